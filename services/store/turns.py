"""Whose turn it is: which queued job of a queue goes next, asked with a few index probes however long the queue is."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, func, or_, select, union_all
from sqlalchemy.orm import Session

from services.store.clock import epoch, utcnow
from services.store.locks import only_one_of
from services.store.states import JobState, Priority
from services.store.tables import Job, Queue, Study

#: So many of each priority are looked at for one that no other claim or change of its study has locked right now.
HEADS: Final = 32


def due() -> ColumnElement[bool]:
    """Whether a queued job may be claimed now, as far as its own times say."""
    return or_(Job.not_before.is_(None), Job.not_before <= utcnow())


def waiting(queue: str) -> tuple[ColumnElement[bool], ...]:
    """A job that waits in the queue for a worker; one whose batch is held waits for its batch instead."""
    return Job.queue == queue, Job.state == JobState.QUEUED, Job.held.is_(False)


def claim_order(ageing_seconds: float) -> tuple[ColumnElement[Any], ...]:
    """STAT first; then by age, each further priority counting as `ageing_seconds` of waiting, so nothing starves."""
    # Nothing overtakes STAT: with a backlog older than the ageing time, a lifted routine job would. Any: sort keys.
    waits: ColumnElement[Any] = case((Job.priority == int(Priority.STAT), 0), else_=1)
    age: ColumnElement[Any] = epoch(Job.created_at) + Job.priority * ageing_seconds
    return waits, age, Job.id.expression


def next_due(queue: str, ageing_seconds: float) -> Select[Job]:
    """The query of the queue's next jobs, in order, locked with their studies; the caller says how many.

    Within one priority the order is that of the index; so the heads of the priorities, sorted, are the head of the
    queue, and a backlog of 100,000 costs what one of ten does.
    """
    heads = union_all(*(_head(queue, priority) for priority in Priority)).subquery()
    return (
        select(Job)
        # The study is locked with the job, in one statement that waits for neither: every other change locks the
        # study first and the job after it, so waiting here with one in hand could be a deadlock.
        .join(heads, heads.c.id == Job.id)
        .join(Study, Study.id == Job.study_id)
        .where(*_still_waiting(), due())
        .order_by(*claim_order(ageing_seconds))
        .with_for_update(skip_locked=True, of=(Job, Study))
    )


def _still_waiting() -> tuple[ColumnElement[bool], ...]:
    """Asked once more, since PostgreSQL looks anew at a row that changed before it was locked.

    The heads are found by their ids; plain columns here would have SQLite walk the whole queue instead.
    """
    return func.coalesce(Job.state, "") == JobState.QUEUED, func.coalesce(Job.held, False).is_(False)


def _head(queue: str, priority: Priority) -> Select[str]:
    oldest = (
        select(Job.id)
        .where(*waiting(queue), Job.priority == int(priority), due())
        .order_by(Job.created_at, Job.id)
        .limit(HEADS)
        .subquery()
    )
    return select(oldest.c.id)


def queues_in_use(session: Session) -> list[str]:
    """The names of the queues that ever held a job: one index probe each."""
    names: list[str] = []
    while name := session.scalar(select(func.min(Job.queue)).where(Job.queue > (names[-1] if names else ""))):
        names.append(name)
    return names


def may_start(session: Session, queue: str, worker: str, device: str, device_limit: int | None) -> bool:
    """Whether this worker may begin something of the queue now: it is not paused, nor is it or the device full.

    What is counted are workers that hold jobs, since each reads one at a time: a chunk of a batch counts once. Where a
    limit counts, claims come one after another until the end of the transaction.
    """
    asked = session.get(Queue, queue, populate_existing=True)
    if asked is not None and asked.paused:
        return False
    if asked is not None and asked.running_limit is not None:
        only_one_of(session, "queue", queue)
        if _busy(session, worker, Job.queue == queue) >= asked.running_limit:
            return False
    if device_limit is None:
        return True
    only_one_of(session, "device", device)
    return _busy(session, worker, Job.device == device) < device_limit


def _busy(session: Session, worker: str, where: ColumnElement[bool]) -> int:
    """How many other workers hold a job of this kind."""
    holding = select(func.count(Job.worker.distinct())).where(
        Job.state == JobState.RUNNING, where, Job.worker != worker
    )
    return session.execute(holding).scalar_one()
