"""How far a batch is, how fast it goes, and when it will be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store import batches, fetches, models
from services.store.batches import TENDED
from services.store.clock import utcnow
from services.store.paces import seconds_a_reading
from services.store.states import BatchItemState, BatchState, FetchState
from services.store.tables import Batch
from services.work.forecast import UNKNOWN, Forecast, Pace, forecast
from services.work.reprocess import STORED
from services.work.tend import spent_in
from services.work.window import SECONDS_AN_HOUR, Budget, Night, Nights, Spent, read_budget, read_window

#: The pace is that of the last quarter of an hour of this night.
RATE_SECONDS: Final = 900.0
#: Fewer readings than this tell no pace.
FEWEST: Final = 5


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a batch stands in its nights: the present one or the next, and what tonight's budget leaves."""

    night: Night | None
    next_night: Night
    studies_left: int | None  # None: no limit
    hours_left: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """A batch with all that is known of its course; `per_hour` is None while nothing is read."""

    batch: Batch
    model: str
    model_version: str
    items: Mapping[BatchItemState, int]
    fetches: Mapping[FetchState, int] | None  # None: nothing is fetched
    fetch_failures: Mapping[str, int]
    per_hour: float | None
    clock: Clock
    forecast: Forecast

    @property
    def ended(self) -> int:
        """How many subjects have ended, in whatever way."""
        return sum(self.items.values()) - open_items(self.items, None)

    @property
    def known(self) -> int:
        """How many subjects there are, as far as is known."""
        return self.ended + open_items(self.items, self.fetches)

    @property
    def share(self) -> float:
        """How much of what is known has ended, 0-1."""
        return self.ended / self.known if self.known else float(self.batch.state == BatchState.FINISHED)


def progress_of(session: Session, batch: Batch) -> Progress:
    """A batch's course by the database's clock."""
    moment = session.scalars(select(utcnow())).one()
    version = models.get_version(session, batch.model_version_id)
    nights, budget = read_window(batch.window), read_budget(batch.budget)
    night = nights.now(moment)
    spent = spent_in(session, batch, night, budget) if night else Spent()
    items = batches.counts(session, batch.id)
    outside = batch.source["kind"] != STORED
    to_fetch = fetches.counts(session, batch.id) if outside else None
    measured = _measured(session, batch, moment, night)
    pace = measured or _assumed(session, batch)
    return Progress(
        batch=batch,
        model=version.name,
        model_version=version.version,
        items=items,
        fetches=to_fetch,
        fetch_failures=fetches.failures(session, batch.id) if outside else {},
        per_hour=measured.per_second * SECONDS_AN_HOUR if measured else None,
        clock=_clock(moment, nights, budget, spent),
        forecast=_foretold(batch, open_items(items, to_fetch), pace, moment, nights, budget, spent),
    )


def open_items(items: Mapping[BatchItemState, int], to_fetch: Mapping[FetchState, int] | None) -> int:
    """How many subjects were not read yet, as far as is known: what is not fetched yet counts as one each."""
    waiting = items[BatchItemState.WAITING] + items[BatchItemState.QUEUED]
    return waiting + (to_fetch[FetchState.WAITING] if to_fetch else 0)


def _clock(moment: datetime, nights: Nights, budget: Budget, spent: Spent) -> Clock:
    hours_left = None if budget.hours is None else max(0.0, budget.hours - spent.seconds / SECONDS_AN_HOUR)
    studies_left = None if budget.studies is None else max(0, budget.studies - spent.studies)
    return Clock(nights.now(moment), nights.after(moment), studies_left, hours_left)


def _measured(session: Session, batch: Batch, moment: datetime, night: Night | None) -> Pace | None:
    """The pace of the last minutes of this night; None where too little was read to tell."""
    if night is None or batch.state != BatchState.RUNNING:
        return None
    since = max(night.opens, moment - timedelta(seconds=RATE_SECONDS))
    read = batches.read_since(session, batch.id, since)
    if read.items < FEWEST or read.first is None or read.first >= moment:
        return None
    elapsed = (moment - read.first).total_seconds()
    # Seconds of reading over those of the clock: how many workers it was, as a budget of hours needs to know.
    each = read.seconds / read.items or elapsed / read.items
    return Pace(each, workers=each * read.items / elapsed)


def _assumed(session: Session, batch: Batch) -> Pace | None:
    """One worker, as quick as the pipeline's newest results were."""
    seconds = seconds_a_reading(session, batch.pipeline)
    return Pace(seconds) if seconds else None


def _foretold(
    batch: Batch, studies: int, pace: Pace | None, moment: datetime, nights: Nights, budget: Budget, spent: Spent
) -> Forecast:
    # A paused batch goes on when a person says so, and what planning has not seen yet nobody can count.
    if pace is None or batch.state not in TENDED or batch.planned_at is None:
        return UNKNOWN
    return forecast(moment, studies, pace, nights, budget, spent)
