"""Claims on jobs: taken in the database's order, kept alive by a lease, each fenced by a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from services.store.clock import seconds_from_now, utcnow
from services.store.jobs import announce
from services.store.states import JobRole, JobState
from services.store.tables import Attempt, Job
from services.store.turns import may_start, next_due


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's right to run one job until its lease ends; the fence tells it from every other claim."""

    job_id: str
    fence: int
    worker: str
    study_id: str
    slot_id: str
    pipeline: str
    model_version_id: str | None
    queue: str
    role: JobRole
    alone: bool
    parameters: Mapping[str, object]
    started_at: datetime
    batch_id: str | None = None
    ladder: int = 0
    device: str = ""
    single: bool = False

    @property
    def in_chunk(self) -> bool:
        """Whether others may be read with it; what died in a chunk, or was short of memory, is read by itself."""
        return self.role is JobRole.BATCH and not (self.single or self.alone or self.ladder)


def claim_next(
    session: Session,
    queue: str,
    worker: str,
    lease_seconds: float,
    ageing_seconds: float,
    device: str = "",
    device_limit: int | None = None,
) -> Claim | None:
    """Take the next due job of a queue under a new fence number and a lease; None where nothing may begin now.

    Nothing begins in a queue that is paused or full, nor on a `device` that `device_limit` other workers hold already.
    Two claims never meet: PostgreSQL skips rows another claim has locked, SQLite's writing unit is alone.
    """
    if not may_start(session, queue, worker, device, device_limit):
        return None
    found = session.execute(next_due(queue, ageing_seconds).limit(1)).scalar_one_or_none()
    if found is None:
        return None
    [claim] = take_all(session, [found], worker, lease_seconds, device)
    announce(session, claim.job_id, claim.study_id, JobState.RUNNING)
    return claim


def take_all(session: Session, found: Sequence[Job], worker: str, lease_seconds: float, device: str) -> list[Claim]:
    """Claim queued jobs that the caller has locked with their studies, in one statement; no event tells of them."""
    taken = session.execute(
        update(Job)
        .where(Job.id.in_([job.id for job in found]))
        .values(
            state=JobState.RUNNING,
            fence=Job.fence + 1,
            worker=worker,
            device=device or None,
            lease_until=seconds_from_now(lease_seconds),
            heartbeat_at=utcnow(),
            started_at=utcnow(),
            finished_at=None,
            not_before=None,
            step=None,
            progress=0.0,
        )
        .returning(Job.id, Job.fence, Job.started_at)
        .execution_options(synchronize_session=False)
    )
    rows = {row.id: row for row in taken}
    return [_claim(job, rows[job.id].fence, worker, rows[job.id].started_at or job.created_at, device) for job in found]


def claim_of(job: Job) -> Claim:
    """The claim under which a running job is held now, for whoever ends it from outside."""
    return _claim(job, job.fence, job.worker or "", job.started_at or job.created_at, job.device or "")


def _claim(job: Job, fence: int, worker: str, started_at: datetime, device: str) -> Claim:
    """A claim by its job's row; the fence and the time are those of the claim."""
    return Claim(
        job_id=job.id,
        fence=fence,
        worker=worker,
        study_id=job.study_id,
        slot_id=job.slot_id,
        pipeline=job.pipeline,
        model_version_id=job.model_version_id,
        queue=job.queue,
        role=JobRole(job.role),
        alone=job.alone,
        parameters=job.parameters,
        started_at=started_at,
        batch_id=job.batch_id,
        ladder=job.ladder,
        device=device,
        single=job.single,
    )


def first_claimed_at(session: Session, claim: Claim) -> datetime:
    """When the claim's job was claimed for the first time: the date of what is made from it, however often it runs."""
    earlier = select(func.min(Attempt.started_at)).where(Attempt.job_id == claim.job_id)
    return session.execute(earlier).scalar_one_or_none() or claim.started_at


def heartbeat(session: Session, claim: Claim, lease_seconds: float, step: str | None, progress: float) -> bool:
    """Extend the lease and say how far the job is; False where the claim does not hold any more."""
    beat = (
        update(Job)
        .where(*held(claim))
        .values(lease_until=seconds_from_now(lease_seconds), heartbeat_at=utcnow(), step=step, progress=progress)
        .returning(Job.id)
    )
    return session.execute(beat).scalar_one_or_none() is not None


def is_expired(session: Session, claim: Claim) -> bool:
    """Whether the claim still stands in the table, but its lease has run out."""
    expired = select(Job.id).where(*held(claim), Job.lease_until < utcnow()).with_for_update()
    return session.execute(expired).scalar_one_or_none() is not None


def held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    """The guard of every write a worker makes: same job, same fence, still running."""
    return Job.id == claim.job_id, Job.fence == claim.fence, Job.state == JobState.RUNNING


def standing(session: Session, claims: Sequence[Claim]) -> set[str]:
    """The ids of those jobs whose claim holds still; asks without writing, so it may be asked often."""
    fences = {claim.job_id: claim.fence for claim in claims}
    running = select(Job.id, Job.fence).where(Job.id.in_(list(fences)), Job.state == JobState.RUNNING)
    return {row.id for row in session.execute(running) if row.fence == fences[row.id]}
