"""What asks a worker to stop: held back until something can be done about it, so that none ends it badly or is lost.

Signals held back wait through `os.execv` (POSIX, exec: the mask and what is pending are inherited).
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Final, NoReturn

STOPS: Final = (signal.SIGTERM, signal.SIGINT)


def hold_stops() -> None:
    """Have this thread, and every one that it starts, leave what asks to stop to others; where all do, it waits."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


def hear_stops() -> None:
    """End this process well by what asks it to stop, by what has waited too; for the main thread.

    Before any process is started: one whose parent holds signals back would begin deaf to them itself.
    """
    for number in STOPS:
        signal.signal(number, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
