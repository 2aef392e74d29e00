"""What a person may do to a job: cancel it, or have it run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, NotFound
from services.broker import Bell
from services.store import attempts, audit, jobs
from services.store.failures import Failure, oldest_failed
from services.store.session import after_commit, unit_of_work
from services.store.states import JobState
from services.store.stores import Store
from services.store.studies import lock_study
from services.store.tables import Job

RETRYABLE = (JobState.FAILED, JobState.QUARANTINED, JobState.CANCELLED)
#: Jobs that one transaction queues afresh.
GROUP: Final = 50


def cancel(store: Store, job_id: str, actor: str) -> None:
    """End a queued or running job; raises NotFound, or Conflict where it has ended already."""
    with unit_of_work(store.database) as session:
        job = _locked(session, job_id)
        if not attempts.cancel(session, job_id, Conflict("it was cancelled by a person", code="cancelled")):
            raise Conflict("only a queued or running job can be cancelled", code="illegal_state", state=job.state)
        audit.record(session, actor, "job.cancelled", job.study_id, job=job_id)


def retry(store: Store, bell: Bell, job_id: str, actor: str) -> None:
    """Queue a failed, quarantined or cancelled job afresh; raises NotFound, or Conflict in any other state."""
    with unit_of_work(store.database) as session:
        job = _locked(session, job_id)
        if job.state not in RETRYABLE:
            raise Conflict("only a job that failed, was quarantined or cancelled runs again", code="illegal_state")
        jobs.requeue(session, job)
        audit.record(session, actor, "job.retried", job.study_id, job=job_id)
        after_commit(session, bell.ring, job.queue)


def retry_all(store: Store, bell: Bell, failure: Failure, limit: int, actor: str) -> int:
    """Queue up to `limit` jobs afresh that ended in one way, the longest ago first; says how many."""
    with unit_of_work(store.database, writing=False) as session:
        ids = oldest_failed(session, failure, limit)
    groups = (ids[first : first + GROUP] for first in range(0, len(ids), GROUP))
    return sum(_retry_group(store, bell, failure, group, actor) for group in groups)


def _retry_group(store: Store, bell: Bell, failure: Failure, ids: Sequence[str], actor: str) -> int:
    """Queue those of the jobs afresh that nobody changed meanwhile; studies are locked in the order of their ids."""
    with unit_of_work(store.database) as session:
        for study_id in session.scalars(select(Job.study_id).where(Job.id.in_(ids)).distinct().order_by(Job.study_id)):
            lock_study(session, study_id)
        still = select(Job).where(Job.id.in_(ids), Job.state == failure.state).order_by(Job.id).with_for_update()
        found = session.scalars(still).all()
        for job in found:
            jobs.requeue(session, job)
            audit.record(session, actor, "job.retried", job.study_id, job=job.id)
        for queue in {job.queue for job in found}:
            after_commit(session, bell.ring, queue)
    return len(found)


def _locked(session: Session, job_id: str) -> Job:
    study_id = session.execute(select(Job.study_id).where(Job.id == job_id)).scalar_one_or_none()
    if study_id is None:
        raise NotFound("there is no job of this id")
    lock_study(session, study_id)
    return session.execute(select(Job).where(Job.id == job_id).with_for_update()).scalar_one()
