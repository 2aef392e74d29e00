"""The reading process's side of a trusted bundle: starts its closed process and believes only plain values."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.core import errors
from pipelines.core.child_pipe import read_exactly, write_all
from pipelines.nets.zoo_child import NO_ROOM
from pipelines.nets.zoo_explain import Shown
from pipelines.nets.zoo_messages import Array, Header, packed, unpacked
from pipelines.nets.zoo_run import Inferred, Placed

#: Loading a bundle imports torch and MONAI and whatever the bundle brings.
_LOADING_SECONDS: Final = 300.0
#: One step of one image; the worker ends a job long before.
_STEP_SECONDS: Final = 7200.0
_DEFAULT_BYTES: Final = 8 * 1024**3
_PIPELINES: Final = Path(__file__).resolve().parents[1]


class RoomRunner:
    """A trusted bundle in a process without network, rights, environment or files but its own and the libraries'.

    Each call raises what the bundle's run raises there, and ModelError where the process ends.
    """

    device: Final = "cpu"  # the room shows no graphics device

    def __init__(self, folder: Path, isolated: bool, memory_bytes: int | None = None) -> None:
        """Start the process and load the bundle; raises IsolationUnavailable, BundleRefused."""
        self._most = memory_bytes or _DEFAULT_BYTES
        self._root = tempfile.TemporaryDirectory(prefix="overread-room-")
        self._child = _start(folder, Path(self._root.name), isolated, self._most)
        try:
            header, _ = self._answer(_LOADING_SECONDS)
            self.weights, self.takes_slices = str(header["weights"]), bool(header["takes_slices"])
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process that stands before the room."""
        return self._child.pid

    def prepare(self, number: int, array: NDArray[np.float32], affine: NDArray[np.float64]) -> tuple[int, ...]:
        """As Runner says."""
        header, _ = self._ask({"call": "prepare", "number": number, "affine": affine.tolist()}, [array])
        return tuple(int(length) for length in header["shape"])

    def infer(self, number: int) -> Inferred:
        """As Runner says."""
        header, arrays = self._ask({"call": "infer", "number": number})
        told = tuple(float(value) for value in header["probabilities"])
        unsure = _placed(header, arrays) if arrays else None
        return Inferred(told, float(header["confidence"]), unsure, bool(header["exclusive"]))

    def explain(self, number: int) -> Shown | None:
        """As Runner says."""
        header, arrays = self._ask({"call": "explain", "number": number})
        if not arrays:
            return None
        inside = None if header["inside"] is None else float(header["inside"])
        return Shown(arrays[0], str(header["layer"])[:200], int(header["channel"]), inside)

    def finish(self, number: int) -> Placed:
        """As Runner says."""
        header, arrays = self._ask({"call": "finish", "number": number})
        if len(arrays) != 1:
            raise errors.ModelError("the trusted bundle's process gave a broken answer", code="bundle_failed")
        return _placed(header, arrays)

    def forget(self) -> None:
        """As Runner says."""
        self._ask({"call": "forget"})

    def close(self) -> None:
        """End the process and the room."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            with suppress(BrokenPipeError):  # a request that was never read is still in the buffer
                if pipe is not None:
                    pipe.close()
        self._root.cleanup()

    def _ask(self, header: dict[str, object], arrays: Sequence[Array] = ()) -> tuple[Header, list[Array]]:
        try:
            write_all(self._child, packed(header, arrays), time.monotonic() + _STEP_SECONDS)
        except (BrokenPipeError, ValueError) as error:
            raise self._death() from error
        except TimeoutError as error:
            raise self._too_slow() from error
        return self._answer(_STEP_SECONDS)

    def _answer(self, seconds: float) -> tuple[Header, list[Array]]:
        deadline = time.monotonic() + seconds
        try:
            header, arrays = unpacked(lambda count: read_exactly(self._child, count, deadline), self._most)
        except EOFError as error:
            raise self._death() from error
        except TimeoutError as error:
            raise self._too_slow() from error
        if "error" in header:
            raise _refusal(header)
        return header, arrays

    def _too_slow(self) -> errors.ModelError:
        """End a process that keeps its caller waiting."""
        self._child.kill()
        return errors.ModelError("the trusted bundle's process took too long", code="bundle_failed")

    def _death(self) -> errors.OverreadError:
        """Why the process ended."""
        try:
            status = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            status = self._child.wait()
        if status == NO_ROOM:
            return errors.IsolationUnavailable()
        return errors.ModelError("the trusted bundle's process ended", code="bundle_failed", status=status)


def _start(folder: Path, root: Path, isolated: bool, memory_bytes: int) -> subprocess.Popen[bytes]:
    shown = [_PIPELINES, *(Path(place) for place in dict.fromkeys((sys.prefix, sys.base_prefix)))]
    told = [folder.resolve(), root, "yes" if isolated else "no", memory_bytes, os.getpid(), *shown]
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.nets.zoo_child", *map(str, told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={
            "PYTHONPATH": str(_PIPELINES.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "USER": "nobody",  # MONAI asks for it, and the room knows no user by number
            "HOME": "/tmp",  # noqa: S108 - the room's own
            "OMP_NUM_THREADS": str(torch.get_num_threads()),
        },
    )


def _placed(header: Header, arrays: list[Array]) -> Placed:
    affine = header.get("affine")
    if affine is None:
        return Placed(arrays[0], None)
    matrix = np.asarray(affine, np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise errors.ModelError("the trusted bundle's process gave a broken answer", code="bundle_failed")
    return Placed(arrays[0], matrix)


def _refusal(header: Header) -> errors.OverreadError:
    """The error that the process names; any name that is no error of ours is a failure of the model."""
    kind = getattr(errors, str(header["error"]), errors.ModelError)
    if not (isinstance(kind, type) and issubclass(kind, errors.OverreadError)):
        kind = errors.ModelError
    made: errors.OverreadError = kind(str(header.get("detail", ""))[:400], code=str(header.get("code"))[:40])
    return made
