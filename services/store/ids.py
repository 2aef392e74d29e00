"""Opaque, time-ordered ids: ULIDs, the only thing URLs, logs, messages and metrics carry."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # https://github.com/ulid/spec
ULID_LENGTH = 26
_RANDOM_BITS = 80
_TIME_CHARACTERS = 10


class _Monotonic:
    """Gives growing ids within a process: rows written one after another sort that way, also in one millisecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        """A fresh 128-bit number: 48 bits of milliseconds, 80 random bits; never below the one before."""
        number = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
        with self._lock:
            if number >> _RANDOM_BITS <= self._last >> _RANDOM_BITS:
                # As the specification's monotonic ULIDs; a step of random size keeps the next id hard to guess.
                number = self._last + 1 + secrets.randbits(_RANDOM_BITS // 2)
            self._last = number
        return number


_ids = _Monotonic()


def new_id() -> str:
    """A fresh ULID of 26 characters; within a process each sorts behind the one before."""
    return _written(_ids.next())


def first_id_at(moment: datetime) -> str:
    """The smallest ULID of this time: whatever was made then or later sorts at it or behind it."""
    return _written(int(moment.timestamp() * 1000) << _RANDOM_BITS)


def moment_of(ulid: str) -> datetime:
    """When an id was made, to the millisecond, by the clock of the machine that made it. Raises ValueError."""
    milliseconds = 0
    for character in ulid[:_TIME_CHARACTERS]:
        milliseconds = milliseconds << 5 | CROCKFORD.index(character)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _written(number: int) -> str:
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
