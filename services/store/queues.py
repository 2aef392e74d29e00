"""Queues: what an administrator asked of each, and how much waits and runs in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pipelines.core.errors import BadRequest
from services.store.clock import epoch, utcnow
from services.store.states import JobState
from services.store.tables import Job, Queue
from services.store.turns import due, queues_in_use, waiting
from services.store.upsert import insert_or_keep

#: More workers than this no deployment has; a larger number is a slip of the hand.
MOST_RUNNING: Final = 10_000


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue as it is now; `held` jobs wait for their batch, `busy` are the workers that hold a job of it.

    `waiting_since` is when the oldest job that waits for a worker was made, `waiting_seconds` how long ago that is.
    """

    name: str
    paused: bool
    running_limit: int | None
    queued: int
    held: int
    running: int
    busy: int
    waiting_since: datetime | None
    waiting_seconds: float


def queue_states(session: Session, known: Iterable[str]) -> list[QueueState]:
    """All queues by name: those that are known, those that hold jobs and those somebody asked something of."""
    asked = {row.name: row for row in session.scalars(select(Queue))}
    return [_state(session, name, asked.get(name)) for name in sorted({*known, *queues_in_use(session), *asked})]


def _state(session: Session, name: str, asked: Queue | None) -> QueueState:
    age = epoch(utcnow()) - epoch(func.min(Job.created_at))
    queued, since, seconds = session.execute(
        select(func.count(), func.min(Job.created_at), age).where(*waiting(name))
    ).one()
    held = select(func.count()).where(Job.queue == name, Job.state == JobState.QUEUED, Job.held)
    at_work = select(func.count(), func.count(Job.worker.distinct())).where(
        Job.queue == name, Job.state == JobState.RUNNING
    )
    running, busy = session.execute(at_work).one()
    return QueueState(
        name=name,
        paused=asked is not None and asked.paused,
        running_limit=asked.running_limit if asked else None,
        queued=queued,
        held=session.execute(held).scalar_one(),
        running=running,
        busy=busy,
        waiting_since=since,
        waiting_seconds=max(0.0, seconds or 0.0),
    )


def set_paused(session: Session, name: str, actor: str, *, paused: bool) -> None:
    """From the next claim on nothing of the queue begins (or does again); what runs ends as it would."""
    _ask(session, name, actor)
    session.execute(update(Queue).where(Queue.name == name).values(paused=paused, actor=actor, updated_at=utcnow()))


def set_limit(session: Session, name: str, actor: str, running_limit: int | None) -> None:
    """How many workers may be at the queue at once; None: any number. Raises BadRequest."""
    if running_limit is not None and not 1 <= running_limit <= MOST_RUNNING:
        raise BadRequest(f"a limit is 1 to {MOST_RUNNING}; to let nothing run, pause the queue", code="bad_limit")
    _ask(session, name, actor)
    session.execute(
        update(Queue).where(Queue.name == name).values(running_limit=running_limit, actor=actor, updated_at=utcnow())
    )


def _ask(session: Session, name: str, actor: str) -> None:
    insert_or_keep(session, Queue, {"name": name, "actor": actor, "updated_at": utcnow()}, conflict=("name",))


def is_longer(session: Session, jobs: int) -> bool:
    """Whether more than so many jobs wait, of all queues together; one walk along an index, never past the limit."""
    beyond = select(Job.id).where(Job.state == JobState.QUEUED).order_by(Job.id).offset(jobs).limit(1)
    return session.execute(beyond).scalar_one_or_none() is not None


def due_by_queue(session: Session, most: int) -> dict[str, int]:
    """How many jobs each queue could start now, counted up to `most`; paused queues are left out."""
    paused = set(session.scalars(select(Queue.name).where(Queue.paused)))
    counts = {}
    for queue in queues_in_use(session):
        # In the order of the index: PostgreSQL takes any few rows from the table itself, where they may all be last.
        in_order = (Job.priority, Job.created_at, Job.id)
        first = select(Job.id).where(*waiting(queue), due()).order_by(*in_order).limit(most).subquery()
        number = session.execute(select(func.count()).select_from(first)).scalar_one()
        if number and queue not in paused:
            counts[queue] = number
    return counts
