"""Slows guessing of passwords: failed logins of one name from one address, and of one address, make it wait."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from pipelines.core.errors import NotAuthenticated, TooManyAttempts

LONGEST_WAIT_SECONDS: Final = 3600
MOST_DOUBLINGS: Final = 12  # from a second past the hour
#: Some people behind one proxy mistype; a guesser tries many names.
ATTEMPTS_PER_ADDRESS: Final = 10  # times those of one name
#: What is remembered: the oldest goes first, so that guessing many names cannot fill the memory.
MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    until: float  # seconds of the clock


class LoginThrottle:
    """Counts failed logins in this process; each API process has its own, so the cap grows with their number.

    A name alone is never locked: then anyone could keep a clinician out by guessing wrong.
    """

    def __init__(self, attempts: int, wait_seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        """From `attempts` failures on, the next login waits `wait_seconds`, twice as long after each further one."""
        self._attempts = attempts
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._failures: OrderedDict[tuple[str, ...], _Failures] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def attempt(self, name: str, address: str) -> Iterator[None]:
        """Around one login; raises TooManyAttempts before it, where it has to wait."""
        by_name, by_address = (name.lower(), address), (address,)
        self._check(by_name)
        self._check(by_address)
        try:
            yield
        except NotAuthenticated:
            self._failed(by_name, self._attempts)
            self._failed(by_address, self._attempts * ATTEMPTS_PER_ADDRESS)
            raise
        with self._lock:
            self._failures.pop(by_name, None)

    def _check(self, who: tuple[str, ...]) -> None:
        with self._lock:
            failures = self._failures.get(who)
        left = failures.until - self._clock() if failures else 0.0
        if left > 0:
            raise TooManyAttempts(seconds=int(left) + 1)

    def _failed(self, who: tuple[str, ...], allowed: int) -> None:
        now = self._clock()
        with self._lock:
            before = self._failures.pop(who, _Failures(0, now))
            # An hour without a failure forgets those before.
            count = 1 if now - before.until > LONGEST_WAIT_SECONDS else before.count + 1
            self._failures[who] = _Failures(count, now + self._wait(count - allowed))
            if len(self._failures) > MOST_REMEMBERED:
                self._failures.popitem(last=False)

    def _wait(self, too_many: int) -> int:
        """Seconds to wait after so many failures past the allowed ones; 0 before them."""
        if too_many < 0:
            return 0
        return min(self._wait_seconds << min(too_many, MOST_DOUBLINGS), LONGEST_WAIT_SECONDS)
