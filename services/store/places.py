"""Places in the queue: how many jobs go before one, for a whole page of jobs with one walk along the queue's index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final

from sqlalchemy import Integer, String, func, select, tuple_, values
from sqlalchemy import column as sql_column
from sqlalchemy.orm import Session

from services.store.clock import UtcDateTime
from services.store.ids import ULID_LENGTH
from services.store.states import JobState, Priority
from services.store.tables import Job
from services.store.turns import waiting

#: Up to where the jobs of one priority go before a job: those made before this time, those of this very time by id.
Bound = tuple[datetime, str]
FIRST: Final[Bound] = (datetime(1970, 1, 1, tzinfo=UTC), "")
LAST: Final[Bound] = (datetime(9999, 1, 1, tzinfo=UTC), "")


def places_in_queue(session: Session, jobs: Iterable[Job], ageing_seconds: float) -> dict[str, int]:
    """For each of the jobs that waits for a worker: how many go before it, plus one, in the order of claims (turns).

    Between two bounds that follow each other jobs are counted once, so that a page costs one walk and not one a job.
    """
    waits = [job for job in jobs if job.state == JobState.QUEUED and not job.held]
    places = dict.fromkeys((job.id for job in waits), 1)
    for queue in {job.queue for job in waits}:
        here = [job for job in waits if job.queue == queue]
        for priority in Priority:
            bounds = {job.id: _bound(job, priority, ageing_seconds) for job in here}
            before = _count(session, queue, priority, sorted(set(bounds.values()) - {FIRST}))
            for job in here:
                places[job.id] += before.get(bounds[job.id], 0)
    return places


def _bound(job: Job, other: Priority, ageing_seconds: float) -> Bound:
    """Up to where jobs of the other priority go before this one."""
    if job.priority == other:
        return job.created_at, job.id
    if Priority.STAT in (job.priority, other):
        return LAST if other is Priority.STAT else FIRST
    return job.created_at + timedelta(seconds=(job.priority - other) * ageing_seconds), job.id


def _count(session: Session, queue: str, priority: Priority, bounds: Sequence[Bound]) -> dict[Bound, int]:
    """How many jobs of the priority wait before each of the bounds, which are in order."""
    if not bounds:
        return {}
    stretches = (
        values(
            sql_column("number", Integer),
            sql_column("low_time", UtcDateTime()),
            sql_column("low_id", String(ULID_LENGTH)),
            sql_column("high_time", UtcDateTime()),
            sql_column("high_id", String(ULID_LENGTH)),
            name="stretches",
        )
        .data([(number, *low, *high) for number, (low, high) in enumerate(zip((FIRST, *bounds), bounds, strict=False))])
        .cte()
    )
    place, each = tuple_(Job.created_at, Job.id), stretches.c
    within = (place >= tuple_(each.low_time, each.low_id), place < tuple_(each.high_time, each.high_id))
    count = select(func.count()).where(*waiting(queue), Job.priority == int(priority), *within).scalar_subquery()
    counted = session.execute(select(each.number, count).order_by(each.number)).all()
    return dict(zip(bounds, accumulate(row[1] for row in counted), strict=True))
