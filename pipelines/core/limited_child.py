"""The child's side of a limited process: limits its own memory, then answers requests on its pipes until they close.

A message is four bytes of length (big endian), that many bytes of JSON, and `bytes` raw bytes behind it. Started by
limited_process.py as `python -m MODULE BYTES PARENT`.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final

from pipelines.core.errors import OverreadError

_LENGTH: Final = struct.Struct(">I")
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h

Request = Mapping[str, object]
Answer = tuple[dict[str, object], bytes | memoryview]


def serve(answer: Callable[[Request, bytes], Answer]) -> None:
    """Answer requests from standard input until it closes; what `answer` raises ends the process."""
    _limit_memory(int(sys.argv[1]))
    _die_with_parent(int(sys.argv[2]))
    # Libraries written in C may print: standard output is kept for answers alone.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, sys.stdout.fileno())
    _send(answers, {"ready": True}, b"")
    while (received := _receive(sys.stdin.buffer)) is not None:
        header, body = answer(*received)
        _send(answers, header, body)


def refusal(error: OverreadError) -> Answer:
    """An error as a message: the class by name, since both sides know the tree."""
    return {"error": type(error).__name__, "code": error.code, "detail": error.sentence}, b""


def _receive(stream: BinaryIO) -> tuple[Request, bytes] | None:
    """The next request and its bytes; None once the parent has closed its end."""
    prefix = stream.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    request = json.loads(stream.read(_LENGTH.unpack(prefix)[0]))
    if not isinstance(request, dict):
        raise ValueError("a request is an object")
    return request, stream.read(request["bytes"])


def _send(stream: BinaryIO, header: dict[str, object], body: bytes | memoryview) -> None:
    text = json.dumps({**header, "bytes": len(body)}).encode()
    stream.write(_LENGTH.pack(len(text)) + text)
    stream.write(body)
    stream.flush()


def _limit_memory(limit: int) -> None:
    """No more address space than `limit` bytes, and no core file, which would hold what a patient's is."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _die_with_parent(parent: int) -> None:
    """Ask Linux for SIGKILL when the parent dies; elsewhere the closing pipe ends the child at its next read."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)
