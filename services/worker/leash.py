"""The leash: starts a program that cannot outlive the process that started it, not even where that one is killed.

`python -m services.worker.leash PARENT_PID module NAME ARGUMENT...` runs a Python module in this process: asked to
stop when the parent ends, killed if it does not. `... program PATH ARGUMENT...` becomes that program, killed when the
parent ends.
"""

from __future__ import annotations

import ctypes
import os
import resource
import runpy
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Final

from services.worker.stops import hold_stops

PR_SET_PDEATHSIG: Final = 1  # prctl(2), linux/prctl.h
#: A process that was asked to stop because its parent is gone is killed after this.
GRACE_SECONDS: Final = 5.0


def leashed(kind: str, *arguments: str) -> list[str]:
    """The command line that runs `module NAME ...` or `program PATH ...` on this process's leash.

    Start it from a thread that lives as long as the child should: the kernel's signal goes out with that thread. A
    module needs its standard input to be a pipe that the parent holds open.
    """
    return [sys.executable, "-m", "services.worker.leash", str(os.getpid()), kind, *arguments]


def main(argv: Sequence[str]) -> None:
    """Tie this process to its parent, then run what `argv` names."""
    parent, kind, name, arguments = int(argv[0]), argv[1], argv[2], argv[3:]
    # A core file would hold a patient's pixels.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if kind == "program":
        die_with(parent, signal.SIGKILL)
        os.execv(name, [name, *arguments])  # noqa: S606 - the signal asked for above outlives exec
    die_with(parent, signal.SIGTERM)
    Thread(target=_watch, name="leash", daemon=True).start()
    sys.argv = [name, *arguments]
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def die_with(parent: int, by: signal.Signals) -> None:
    """Have the kernel send `by` when the parent ends; ends this process where it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(by))
    if os.getppid() != parent:
        os._exit(1)


def _watch() -> None:
    """Wait for the end of standard input, which only the parent holds; then stop, or be killed."""
    hold_stops()  # which are the program's, and not to be taken in its place while it holds them too
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
