"""A memory-limited child process as its parent sees it: started, asked, timed, and ended."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import sys
import threading
import time
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Self

from pipelines.core import errors
from pipelines.core.child_pipe import read_exactly, write_all
from pipelines.core.closing import Closing

#: What the system lets a pipe hold at most, unless it was told otherwise (pipe(7)).
_PIPE_BYTES: Final = 1024 * 1024
_LENGTH: Final = struct.Struct(">I")
_HEADER_LIMIT: Final = 1_000_000
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
#: All that a child gets of the environment: it has no business with keys and addresses.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class LimitedProcess(Closing):
    """A persistent child process, started on first use and again after it died; safe to use from several threads.

    Each call raises the error that the child names, OutOfMemory when it reached its limit, `died` when it ended
    without an answer, and `overdue()` when it took longer than `timeout_s` seconds.
    """

    #: What the child runs: a module whose `main` ends in limited_child.serve.
    module: ClassVar[str]
    died: ClassVar[type[errors.OverreadError]]

    def __init__(self, memory_bytes: int, timeout_s: float) -> None:
        """Nothing is started yet; `memory_bytes` is the child's address space."""
        self._memory_bytes = memory_bytes
        self._timeout_s = timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def overdue(self) -> errors.OverreadError:
        """What a call raises that took too long."""

    def another(self) -> Self:
        """One of the same limits with a child of its own, not started yet."""
        return type(self)(self._memory_bytes, self._timeout_s)

    def start(self) -> None:
        """Start the child now, so that the first call need not wait for it."""
        with self._lock:
            self._started(time.monotonic() + self._timeout_s)

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is no child."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def close(self) -> None:
        """End the child; the next call starts another."""
        with self._lock:
            self._stop()

    def call(self, request: dict[str, object], body: bytes = b"") -> tuple[dict[str, object], bytearray]:
        """Send one request and wait for its answer, a second time if a child that had served before ended on it.

        Such a child may have been killed while idle, or have been short of memory for another's sake; a request that
        kills a fresh child is to blame itself.
        """
        with self._lock:
            was_running = self._child is not None
            try:
                return self._exchange(request, body)
            except self.died as error:
                if not was_running or error.code != self.died.code:
                    raise
            return self._exchange(request, body)

    def _exchange(self, request: dict[str, object], body: bytes) -> tuple[dict[str, object], bytearray]:
        """One request and its answer; a broken exchange ends the child."""
        deadline = time.monotonic() + self._timeout_s
        child = self._started(deadline)
        text = json.dumps({**request, "bytes": len(body)}).encode()
        try:
            write_all(child, _LENGTH.pack(len(text)) + text + body, deadline)
            header, answer = self._answer(child, deadline)
        except (BrokenPipeError, EOFError) as error:
            raise self._death(child) from error
        except TimeoutError as error:
            self._stop()
            raise self.overdue() from error
        except KeyboardInterrupt:
            self._stop()  # the answer would be taken for that of the next request
            raise
        if "error" in header:
            raise self._refusal(header)
        return header, answer

    def _started(self, deadline: float) -> subprocess.Popen[bytes]:
        """The living child, a new one where there is none."""
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._stop()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        command = [sys.executable, "-m", self.module, str(self._memory_bytes), str(os.getpid())]
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_CHECKOUT,
            env={**environment, **_ONE_THREAD},
        )
        _widen(self._child)
        try:
            self._answer(self._child, deadline)
        except (EOFError, TimeoutError) as error:
            raise self._death(self._child) from error
        return self._child

    def _answer(self, child: subprocess.Popen[bytes], deadline: float) -> tuple[dict[str, object], bytearray]:
        """The child's next message; raises EOFError or TimeoutError."""
        (length,) = _LENGTH.unpack(read_exactly(child, _LENGTH.size, deadline))
        if length > _HEADER_LIMIT:
            raise EOFError("not an answer")
        header = json.loads(read_exactly(child, length, deadline))
        size = int(header["bytes"])
        if size > self._memory_bytes:
            raise EOFError("not an answer")
        return header, read_exactly(child, size, deadline)

    def _refusal(self, header: dict[str, object]) -> errors.OverreadError:
        """The error that the child names."""
        kind = getattr(errors, str(header["error"]), self.died)
        if kind is errors.OutOfMemory:
            self._stop()  # what it holds is fragmented; a fresh one begins with all its memory
        refusal: errors.OverreadError = kind(str(header["detail"]), code=str(header["code"]))
        return refusal

    def _death(self, child: subprocess.Popen[bytes]) -> errors.OverreadError:
        """Why the child ended, as an error; and no child any more."""
        try:
            status = child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            status = 0
        self._stop()
        return self.died(signal=-status) if status < 0 else self.died(status=status)

    def _stop(self) -> None:
        """End the child, if any, and wait for it."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with suppress(BrokenPipeError):  # a request the child never read is still in the buffer
                if pipe is not None:
                    pipe.close()


def _widen(child: subprocess.Popen[bytes]) -> None:
    """Let an answer cross in a few large pieces: each of the usual 64 KiB costs two processes a turn on a busy core."""
    if sys.platform != "linux" or child.stdout is None:
        return
    with suppress(OSError):  # the user's pipes hold too much already: a smaller one serves, more slowly
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
