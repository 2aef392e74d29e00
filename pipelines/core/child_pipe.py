"""The two ends of a pipe to a child process: whole messages, by a deadline."""

from __future__ import annotations

import os
import select
import subprocess
import time


def read_exactly(child: subprocess.Popen[bytes], count: int, deadline: float) -> bytearray:
    """Exactly `count` bytes of the child's answer; raises EOFError where it ends, TimeoutError past the deadline."""
    if child.stdout is None:
        raise EOFError("the child has no pipe")
    buffer = bytearray(count)
    free = memoryview(buffer)
    pipe = child.stdout.fileno()
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    while free:
        left = deadline - time.monotonic()
        if left <= 0 or not waiting.poll(left * 1000):
            raise TimeoutError
        got = os.readv(pipe, [free])
        if not got:
            raise EOFError
        free = free[got:]
    return buffer


def write_all(child: subprocess.Popen[bytes], message: bytes, deadline: float) -> None:
    """Send a message; raises BrokenPipeError where the child is gone, TimeoutError past the deadline."""
    if child.stdin is None:
        raise BrokenPipeError("the child has no pipe")
    left = memoryview(message)
    pipe = child.stdin.fileno()
    os.set_blocking(pipe, False)  # a write of more than the pipe holds would wait for a child that never reads
    waiting = select.poll()
    waiting.register(pipe, select.POLLOUT)
    while left:
        seconds = deadline - time.monotonic()
        if seconds <= 0 or not waiting.poll(seconds * 1000):
            raise TimeoutError
        left = left[os.write(pipe, left) :]
