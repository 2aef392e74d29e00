"""When a batch may run: the nights of a time zone's wall clock, or always; and what one night may cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines.core.errors import BadRequest

DAY: Final = timedelta(days=1)
SECONDS_AN_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Night:
    """One time of work, `opens` <= now < `closes` (UTC); `day` is the local date on which it opens."""

    day: date
    opens: datetime
    closes: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in this night."""
        return self.opens <= moment < self.closes


class Nights(Protocol):
    """Says for any moment whether work may go on, and when it may again."""

    def now(self, moment: datetime) -> Night | None:
        """The night that holds the moment, None by day."""

    def after(self, moment: datetime) -> Night:
        """The first night that opens after the moment."""

    def as_json(self) -> dict[str, str]:
        """As `read_window` takes it; empty: always."""


@dataclass(frozen=True, slots=True)
class Always:
    """No window: work never stops, and a budget counts for a day of UTC."""

    def now(self, moment: datetime) -> Night | None:
        """The present day."""
        return self._of(moment.astimezone(UTC).date())

    def after(self, moment: datetime) -> Night:
        """The next day."""
        return self._of(moment.astimezone(UTC).date() + DAY)

    def as_json(self) -> dict[str, str]:
        """Empty."""
        return {}

    @staticmethod
    def _of(day: date) -> Night:
        opens = datetime.combine(day, time(), UTC)
        return Night(day, opens, opens + DAY)


@dataclass(frozen=True, slots=True)
class Window:
    """From one local time to another, over midnight where the second is the smaller one.

    Wall-clock times, so a night in which the clocks change is an hour shorter or longer. A time that the clocks skip
    (spring) is taken as if they had not been changed yet; of one that comes twice (autumn) the first counts: PEP 495.
    """

    opens: time
    closes: time
    zone: ZoneInfo

    def now(self, moment: datetime) -> Night | None:
        """The night that holds the moment, None by day."""
        today = moment.astimezone(self.zone).date()
        return next((night for day in (today, today - DAY) if (night := self._of(day)).holds(moment)), None)

    def after(self, moment: datetime) -> Night:
        """The first night that opens after the moment."""
        today = moment.astimezone(self.zone).date()
        tonight = self._of(today)
        return tonight if tonight.opens > moment else self._of(today + DAY)

    def as_json(self) -> dict[str, str]:
        """As the API takes it."""
        return {"from": f"{self.opens:%H:%M}", "to": f"{self.closes:%H:%M}", "zone": self.zone.key}

    def _of(self, day: date) -> Night:
        last = day if self.closes > self.opens else day + DAY
        opens, closes = (
            datetime.combine(one, at, self.zone).astimezone(UTC) for one, at in ((day, self.opens), (last, self.closes))
        )
        return Night(day, opens, closes)


def read_window(stated: Mapping[str, str] | None) -> Nights:
    """A window as the API, the command line or the batch's row states it; nothing stated: always. Raises BadRequest."""
    if not stated:
        return Always()
    try:
        opens, closes = (time.fromisoformat(stated[name]) for name in ("from", "to"))
        zone = ZoneInfo(stated["zone"])
    except (KeyError, ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise BadRequest(
            "a window is two local times HH:MM, `from` and `to`, and an IANA time `zone`", code="bad_window"
        ) from error
    if opens.tzinfo or closes.tzinfo or opens == closes:
        raise BadRequest("a window opens and closes at two different times of its zone", code="bad_window")
    return Window(opens, closes, zone)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a night has cost so far: studies sent to be read, and seconds of reading."""

    studies: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What a night may cost: so many studies, so many hours of reading (summed over all workers); None: no limit."""

    studies: int | None = None
    hours: float | None = None

    def hours_spent(self, spent: Spent) -> bool:
        """Whether tonight's hours of reading are used up."""
        return self.hours is not None and spent.seconds >= self.hours * SECONDS_AN_HOUR

    def left(self, spent: Spent) -> int | None:
        """How many studies more tonight; None: no limit, 0: it is spent."""
        if self.hours_spent(spent):
            return 0
        return None if self.studies is None else max(0, self.studies - spent.studies)

    def able(self, spent: Spent, seconds_a_study: float) -> float:
        """How many studies more tonight if each takes so long; infinite without a limit."""
        by_studies = math.inf if self.studies is None else self.studies - spent.studies
        by_hours = math.inf if self.hours is None else self.hours * SECONDS_AN_HOUR - spent.seconds
        return max(0.0, min(by_studies, by_hours / seconds_a_study))

    def as_json(self) -> dict[str, float]:
        """As `read_budget` takes it; what is not limited is left out."""
        stated = {"studies": self.studies, "hours": self.hours}
        return {name: value for name, value in stated.items() if value is not None}


def read_budget(stated: Mapping[str, float | None] | None) -> Budget:
    """A budget as the API, the command line or the batch's row states it. Raises BadRequest."""
    studies, hours = ((stated or {}).get(name) for name in ("studies", "hours"))
    if (studies is not None and studies < 1) or (hours is not None and hours <= 0):
        raise BadRequest(
            "a budget is a number of `studies` or of `hours` a night, each above nothing", code="bad_budget"
        )
    return Budget(None if studies is None else int(studies), hours)
