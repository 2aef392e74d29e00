"""What a batch would be, before it is one: how many studies, how many hours, how many nights."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from services.archive.base import Source
from services.archive.registry import admit, open_source
from services.settings import Settings
from services.store.clock import utcnow
from services.store.paces import seconds_a_reading
from services.store.session import unit_of_work
from services.store.stored_query import StoredQuery, Target, count_studies, page_of_studies
from services.store.stores import Store
from services.work.asked import BatchAsked, StoredAsked
from services.work.forecast import UNKNOWN, Forecast, Pace, forecast
from services.work.reprocess import target_of
from services.work.window import SECONDS_AN_HOUR, Budget, Nights, Spent, read_budget, read_window

#: A person waits for the answer: what was counted by then is extrapolated.
PATIENCE_SECONDS: Final = 10.0
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found: subjects to read, of these read before, subjects whose answer is the target's already.

    `share` is how much of the archive was looked at, 0-1; the counts are of that share. None: nobody can say.
    """

    studies: int = 0
    subjects: int = 0
    was_read: int = 0
    answered: int = 0
    share: float | None = 1.0

    def whole(self, number: int) -> int:
        """A count as it would be over the whole archive."""
        return round(number / self.share) if self.share else number


@dataclass(frozen=True, slots=True)
class Preview:
    """A batch as it would be: the model version that would read, counts, hours of reading by one worker, nights."""

    model_version: str
    counted: Counted
    to_read: int
    seconds_a_study: float | None
    hours: float | None
    forecast: Forecast


def preview(store: Store, settings: Settings, asked: BatchAsked, *, anywhere: bool = False) -> Preview:
    """Count what a batch would read, and estimate how long one worker would take; nothing is written.

    Raises what `reprocess.start` raises, and SourceUnavailable.
    """
    nights = read_window(asked.window.model_dump(by_alias=True) if asked.window else None)
    budget = read_budget(asked.budget.model_dump() if asked.budget else None)
    with unit_of_work(store.database, writing=False) as session:
        target = target_of(session, asked.pipeline, asked.model_version)
        seconds = seconds_a_reading(session, asked.pipeline)
        moment = session.scalars(select(utcnow())).one()
    if isinstance(asked.source, StoredAsked):
        counted = _count_stored(store, target, asked.query.query)
    else:
        source = admit(asked.source.model_dump(mode="json", by_alias=True), settings, anywhere=anywhere)
        counted = _count_outside(open_source(source, settings))
    to_read = counted.whole(counted.subjects - counted.was_read)
    hours = None if seconds is None else to_read * seconds / SECONDS_AN_HOUR
    return Preview(
        target.version.version, counted, to_read, seconds, hours, _foretold(moment, to_read, seconds, nights, budget)
    )


def _foretold(moment: datetime, studies: int, seconds: float | None, nights: Nights, budget: Budget) -> Forecast:
    if not seconds:
        return UNKNOWN
    return forecast(moment, studies, Pace(seconds), nights, budget, Spent())


def _count_stored(store: Store, target: Target, query: StoredQuery) -> Counted:
    """Count page by page, as planning will walk, until the archive or the patience ends."""
    with unit_of_work(store.database, writing=False) as session:
        total = count_studies(session)
    deadline = time.monotonic() + PATIENCE_SECONDS
    examined = subjects = was_read = answered = 0
    after: str | None = None
    while True:
        with unit_of_work(store.database, writing=False) as session:
            page = page_of_studies(session, target, query, after, PAGE)
        examined += page.examined
        subjects += len(page.candidates)
        was_read += sum(one.was_read for one in page.candidates)
        answered += page.answered
        after = page.last
        if after is None:
            return Counted(examined, subjects, was_read, answered)
        if time.monotonic() > deadline:
            return Counted(examined, subjects, was_read, answered, examined / max(total, examined))


def _count_outside(source: Source) -> Counted:
    """Count what there is to fetch; how many subjects that makes is known when it was fetched: one each is assumed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    found = 0
    after: str | None = None
    try:
        while page := source.locators(after, PAGE):
            found += len(page)
            after = page[-1]
            if time.monotonic() > deadline:
                return Counted(found, found, share=None)
        return Counted(found, found)
    finally:
        source.close()
