"""Feeds a batch's items to the workers, a little ahead: jobs as routing makes them, each question asked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store import batches, changes, jobs, studies
from services.store.clock import utcnow
from services.store.session import after_commit, unit_of_work
from services.store.states import BatchItemState, BatchState, JobRole, JobState, Priority
from services.store.stored_query import Target
from services.store.stores import Store
from services.store.tables import Batch, BatchItem, Job, Result, Study
from services.work.bell import Rings
from services.work.question import Asked, held_by, job_for, refusal, subjects_of
from services.work.reprocess import target_of_batch

#: Items that become jobs in one transaction.
GROUP: Final = 16
WILL_END: Final = frozenset({JobState.QUEUED, JobState.RUNNING})


@dataclass(frozen=True, slots=True)
class Released:
    """What one step did: items that it took up, and how many of these are to be read."""

    items: int
    to_read: int


NOTHING: Final = Released(0, 0)


def release(store: Store, bell: Rings, batch_id: str, ahead: int, left: int | None) -> Released:
    """Make jobs of the batch's next items, so that at most `ahead` wait or run; `left` is what tonight's budget allows.

    Studies that somebody else holds, or that take images just now, are left for the next time.
    """
    with unit_of_work(store.database) as session:
        batch = batches.tended(session, batch_id)
        if batch is None or batch.state != BatchState.RUNNING:
            return NOTHING
        queued = batches.count_items(session, batch_id, BatchItemState.QUEUED, ahead)
        room = min(GROUP, ahead - queued, GROUP if left is None else left)
        items = batches.items_to_release(session, batch_id, room) if room > 0 else []
        free = studies.lock_free(session, [item.study_id for item in items])
        target = target_of_batch(session, batch)
        taken = [item for item in items if item.study_id in free]
        to_read = sum(_release(session, bell, batch, target, item, free) for item in taken)
        batch.night_items += to_read
        return Released(len(taken), to_read)


def _release(
    session: Session, bell: Rings, batch: Batch, target: Target, item: BatchItem, free: Mapping[str, Study]
) -> bool:
    """Ask an item's question; whether it is to be read now, since nobody has asked it before."""
    study = free[item.study_id]
    subject = _subject(session, target, study, item)
    reason = refusal(target.entry, subject) if subject else "its images are gone"
    if subject is None or reason:
        item.state, item.error_code, item.finished_at = BatchItemState.SKIPPED, "not_accepted", utcnow()
        return False
    new = job_for(session, target.entry, target.version, study, subject)
    added = jobs.add_job(
        session, replace(new, role=JobRole.BATCH, priority=Priority.BATCH, batch_id=batch.id, held=False)
    )
    item.job_id, item.state = added.id, BatchItemState.QUEUED
    session.flush()
    to_read = added.created or _joins(session, batch, added.id)
    if to_read:
        after_commit(session, bell.ring, target.entry.queue)
    return to_read


def _subject(session: Session, target: Target, study: Study, item: BatchItem) -> Asked | None:
    """The item's subject as it is now; None where retention removed its images or its series is gone."""
    if study.erased_at is not None:
        return None
    subjects = subjects_of(target.entry, study, held_by(session, study))
    return next((one for one in subjects if (one.kind, one.id) == (item.subject_kind, item.subject_id)), None)


def _joins(session: Session, batch: Batch, job_id: str) -> bool:
    """Wait with an item for a job that was there already, or settle it with what that brought.

    Whether the job runs for this batch: one that failed is asked again, and never one that ended its readers.
    """
    job = session.get_one(Job, job_id, populate_existing=True)
    if job.state == JobState.FAILED:
        if job.role == JobRole.BATCH:
            job.batch_id, job.held = batch.id, False
        jobs.requeue(session, job)
        return True
    if job.state not in WILL_END:
        settle(session, job)
    return job.state == JobState.QUEUED and job.batch_id == batch.id


def settle(session: Session, job: Job) -> None:
    """End the items that wait for a job which has ended; the caller has locked its study."""
    result_id = session.scalar(select(Result.id).where(Result.job_id == job.id))
    if result_id is not None:
        changes.settle(session, job.id, result_id)
    else:
        changes.settle_unfinished(session, job.id, JobState(job.state), job.error_code)
