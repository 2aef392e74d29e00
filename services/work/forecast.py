"""When a batch will be done: the seconds it still needs, laid out over its nights and their budget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.work.window import Budget, Night, Nights, Spent

#: A batch of more nights than ten years have is not foretold.
MOST_NIGHTS: Final = 3653


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the last study will be read (UTC), and in how many nights; None where no pace is known or it is too far."""

    finished_at: datetime | None
    nights: int | None


UNKNOWN: Final = Forecast(None, None)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast studies are read: `seconds_a_study` of reading, by `workers` at once."""

    seconds_a_study: float
    workers: float = 1.0

    @property
    def per_second(self) -> float:
        """Studies a second."""
        return self.workers / self.seconds_a_study


def forecast(moment: datetime, studies: int, pace: Pace, nights: Nights, budget: Budget, spent: Spent) -> Forecast:
    """Lay `studies` out over the nights from this moment on; `spent` is what tonight has cost already."""
    if studies <= 0:
        return Forecast(moment, 0)
    tonight = nights.now(moment)
    if tonight is None:
        tonight, spent = nights.after(moment), Spent()
    left = float(studies)
    for number in range(1, MOST_NIGHTS + 1):
        begins = max(moment, tonight.opens)
        able = min(
            budget.able(spent, pace.seconds_a_study), (tonight.closes - begins).total_seconds() * pace.per_second
        )
        if able >= left:
            return Forecast(begins + timedelta(seconds=left / pace.per_second), number)
        left -= able
        tonight, spent = _next(nights, tonight), Spent()
    return UNKNOWN


def _next(nights: Nights, night: Night) -> Night:
    return nights.after(night.opens)
