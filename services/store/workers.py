"""Workers: who is there, what each does now, and who went without a word; every worker says so itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from services.store.clock import epoch, seconds_from_now, utcnow
from services.store.states import JobState
from services.store.tables import Job, Worker
from services.store.upsert import insert_or_update

#: A worker that missed so many of its words is taken for lost: one is lost in any outage of the database.
MISSED: Final = 3
#: Workers that are gone are shown for a day; in a cluster each start has a name of its own.
REMEMBERED_SECONDS: Final = 24 * 3600.0


class Presence(StrEnum):
    """Whether a worker is there."""

    HERE = "here"  #: it said so a moment ago
    LOST = "lost"  #: it says nothing any more and never said goodbye
    LEFT = "left"  #: it said goodbye


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a worker says of itself: its process, the queues it serves, where its models run, its program's version."""

    name: str
    host: str
    pid: int
    queues: Sequence[str]
    device: str
    version: str


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker as it is now; `silent_seconds` is how long ago it last said that it is there.

    Of the jobs that it holds, `jobs` in number, the first is named; several are one chunk of a batch.
    """

    row: Worker
    presence: Presence
    silent_seconds: float
    jobs: int
    job_id: str | None
    pipeline: str | None
    step: str | None
    busy_since: datetime | None


def arrive(session: Session, arrival: Arrival) -> None:
    """The worker is there, whatever was known of its name; those that are gone for long are forgotten."""
    session.execute(delete(Worker).where(Worker.seen_at < seconds_from_now(-REMEMBERED_SECONDS)))
    values = {
        "name": arrival.name,
        "host": arrival.host,
        "pid": arrival.pid,
        "queues": list(arrival.queues),
        "device": arrival.device or None,
        "version": arrival.version,
        "started_at": utcnow(),
        "seen_at": utcnow(),
        "left_at": None,
    }
    insert_or_update(session, Worker, values, conflict=("name",), update=tuple(values.keys() - {"name"}))


def say_here(session: Session, name: str, pid: int) -> bool:
    """The worker is still there; False where nobody knows this process any more."""
    said = update(Worker).where(Worker.name == name, Worker.pid == pid).values(seen_at=utcnow(), left_at=None)
    return session.execute(said.returning(Worker.name)).scalar_one_or_none() is not None


def say_goodbye(session: Session, name: str, pid: int) -> None:
    """The worker ends as it should; nothing is said for a process that took over its name."""
    session.execute(update(Worker).where(Worker.name == name, Worker.pid == pid).values(left_at=utcnow()))


def worker_states(session: Session, every_seconds: float) -> list[WorkerState]:
    """All workers of the last day by name; each says that it is there every so many seconds."""
    silent = (epoch(utcnow()) - epoch(Worker.seen_at)).label("silent")
    rows = session.execute(select(Worker, silent).order_by(Worker.name)).all()
    held = _held(session)
    return [_state(row, max(0.0, seconds), every_seconds, held.get(row.name, [])) for row, seconds in rows]


def _held(session: Session) -> dict[str, list[Job]]:
    """The running jobs of each worker, the first it took first."""
    found: dict[str, list[Job]] = {}
    running = select(Job).where(Job.state == JobState.RUNNING)
    for job in session.scalars(running.order_by(Job.started_at, Job.id)):
        found.setdefault(job.worker or "", []).append(job)
    return found


def _state(row: Worker, silent_seconds: float, every_seconds: float, jobs: Sequence[Job]) -> WorkerState:
    first = jobs[0] if jobs else None
    return WorkerState(
        row=row,
        presence=_presence(row, silent_seconds, every_seconds),
        silent_seconds=silent_seconds,
        jobs=len(jobs),
        job_id=first.id if first else None,
        pipeline=first.pipeline if first else None,
        step=first.step if first else None,
        busy_since=first.started_at if first else None,
    )


def _presence(row: Worker, silent_seconds: float, every_seconds: float) -> Presence:
    if row.left_at is not None:
        return Presence.LEFT
    return Presence.HERE if silent_seconds <= MISSED * every_seconds else Presence.LOST


def count_here(session: Session, every_seconds: float) -> int:
    """How many workers are there now."""
    here = Worker.left_at.is_(None), Worker.seen_at >= seconds_from_now(-MISSED * every_seconds)
    return session.execute(select(func.count()).where(*here)).scalar_one()
