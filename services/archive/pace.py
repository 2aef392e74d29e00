"""Keeps the requests to an archive apart, since it has clinicians to serve."""

from __future__ import annotations

import time


class Pace:
    """So many requests a second at the most, evenly spread."""

    def __init__(self, requests_per_second: float) -> None:
        """The first request need not wait."""
        self._seconds = 1.0 / requests_per_second
        self._next = 0.0

    def wait(self) -> None:
        """Return when the next request may go out."""
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self._seconds
