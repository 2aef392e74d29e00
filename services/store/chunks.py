"""Chunks: many jobs of a batch claimed, kept alive and put back by one worker in one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from pipelines.core.errors import OverreadError
from services.store.attempts import DETAIL_LENGTH
from services.store.clock import seconds_from_now, utcnow
from services.store.leases import Claim, standing, take_all
from services.store.states import AttemptOutcome, JobRole, JobState, Priority
from services.store.tables import Attempt, Job, Queue, Study
from services.store.turns import due, may_start, waiting


def claim_more(session: Session, first: Claim, limit: int, lease_seconds: float) -> list[Claim]:
    """Up to `limit` further due jobs that can be read together with `first`, oldest first; none of a paused queue.

    Same queue, pipeline and model, and each fit for a chunk. Locked as by `claim_next`, so two claims never meet. No
    event tells of them one by one, and the worklist shows none: the batch is what people watch.
    """
    if limit < 1 or not may_start(session, first.queue, first.worker, first.device, None):
        return []
    alike = (
        *waiting(first.queue),
        Job.priority == int(Priority.BATCH),
        due(),
        Job.role == JobRole.BATCH,
        Job.pipeline == first.pipeline,
        Job.model_version_id == first.model_version_id,
        Job.single.is_(False),
        Job.alone.is_(False),
        Job.ladder == 0,
    )
    found = session.scalars(
        select(Job)
        .join(Study, Study.id == Job.study_id)
        .where(*alike)
        .order_by(Job.created_at, Job.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    return take_all(session, found, first.worker, lease_seconds, first.device) if found else []


def beat(session: Session, claims: Sequence[Claim], lease_seconds: float) -> set[str]:
    """Extend the leases of all these claims; returns the ids of the jobs whose claim holds still.

    A job that somebody changes right now is left out this time: waiting for several at once could be a deadlock.
    """
    held = standing(session, claims)
    free = select(Job.id).where(Job.id.in_(held), Job.state == JobState.RUNNING).with_for_update(skip_locked=True)
    session.execute(
        update(Job)
        .where(Job.id.in_(session.scalars(free).all()))
        .values(lease_until=seconds_from_now(lease_seconds), heartbeat_at=utcnow())
        .execution_options(synchronize_session=False)
    )
    return held


def put_back(
    session: Session,
    claims: Sequence[Claim],
    outcome: AttemptOutcome,
    error: OverreadError | None = None,
    *,
    single: bool = False,
) -> list[str]:
    """Let jobs wait again, with nothing counted against them; `single` for those that must not be in a chunk again.

    Claims that do not hold any more are left as they are. Returns the ids of the jobs that wait.
    """
    held = lock_held(session, claims)
    for claim in claims:
        if claim.job_id in held:
            session.add(attempt(claim, outcome, error))
    session.execute(
        update(Job)
        .where(Job.id.in_(list(held)))
        .values(state=JobState.QUEUED, lease_until=None, single=single)
        .execution_options(synchronize_session=False)
    )
    return list(held)


def lock_held(session: Session, claims: Sequence[Claim]) -> dict[str, JobRole]:
    """Lock the jobs whose claim holds still, their studies before them; for each what it runs for now."""
    fences = {claim.job_id: claim.fence for claim in claims}
    # In the order of their ids, as by everything that locks several.
    studies = sorted({claim.study_id for claim in claims})
    session.execute(select(Study.id).where(Study.id.in_(studies)).order_by(Study.id).with_for_update())
    rows = session.execute(
        select(Job.id, Job.fence, Job.role)
        .where(Job.id.in_(list(fences)), Job.state == JobState.RUNNING)
        .order_by(Job.id)
        .with_for_update()
    )
    return {row.id: JobRole(row.role) for row in rows if row.fence == fences[row.id]}


def attempt(
    claim: Claim, outcome: AttemptOutcome, error: OverreadError | None = None, peak_memory_bytes: int | None = None
) -> Attempt:
    """The row that a claim leaves."""
    return Attempt(
        job_id=claim.job_id,
        fence=claim.fence,
        worker=claim.worker,
        outcome=outcome,
        peak_memory_bytes=peak_memory_bytes,
        device=claim.device or None,
        ladder=claim.ladder,
        code=error.code if error else None,
        detail=error.sentence[:DETAIL_LENGTH] if error else None,
        started_at=claim.started_at,
    )


def first_claimed(session: Session, claims: Sequence[Claim]) -> dict[str, datetime]:
    """By job, when it was claimed for the first time: the date of what is made from it, however often it runs."""
    ids = [claim.job_id for claim in claims]
    rows = session.execute(
        select(Attempt.job_id, func.min(Attempt.started_at)).where(Attempt.job_id.in_(ids)).group_by(Attempt.job_id)
    )
    earlier = {row[0]: row[1] for row in rows if row[1] is not None}
    return {claim.job_id: earlier.get(claim.job_id, claim.started_at) for claim in claims}


def urgent_is_due(session: Session, queues: Sequence[str]) -> bool:
    """Whether something that is no batch's could begin in one of these queues: a probe of an index each."""
    paused = set(session.scalars(select(Queue.name).where(Queue.paused)))
    return any(
        session.execute(select(exists().where(*waiting(queue), Job.priority == int(priority), due()))).scalar_one()
        for queue in queues
        if queue not in paused
        for priority in (Priority.STAT, Priority.ROUTINE)
    )
