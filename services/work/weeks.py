"""Calendar weeks of UTC, by their Mondays: what figures of models are told by."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

WEEK: Final = timedelta(days=7)


def week_of(day: date) -> date:
    """The Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def newest_weeks(today: date, number: int) -> list[date]:
    """The Mondays of so many weeks, oldest first, today's last."""
    return [week_of(today) - WEEK * back for back in range(number - 1, -1, -1)]
