"""How a claim ends: every ending but success, each one transaction guarded by job, fence and state."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, LeaseLost, OverreadError
from services.store import changes
from services.store.batch_jobs import hand_over
from services.store.clock import seconds_from_now, utcnow
from services.store.jobs import BATCH_CANCELLED, SUBJECT_REOPENED, announce
from services.store.leases import Claim, claim_of, held
from services.store.states import AttemptOutcome, JobRole, JobState
from services.store.studies import lock_study
from services.store.tables import Attempt, Job

#: Deaths the job itself caused (segmentation fault, out of memory) after which it is quarantined.
ATTRIBUTED_DEATHS = 2
#: Deaths of unknown cause after which a job runs alone in a fresh process; one more there quarantines it.
UNATTRIBUTED_DEATHS = 2
BACKOFF_SECONDS = 2.0
BACKOFF_CEILING_SECONDS = 300.0
#: Until a disk has room again, or what was away is back.
OUTAGE_SECONDS = 10.0
DETAIL_LENGTH = 1000
#: Jobs of a batch that one transaction cancels.
GROUP = 200
OPEN = (JobState.QUEUED, JobState.RUNNING)


def give_back(session: Session, claim: Claim) -> JobState:
    """The worker stops: the job waits again, and nothing counts against it. Raises LeaseLost."""
    job = _held_job(session, claim)
    _write(session, claim, AttemptOutcome.STOPPED)
    return _set(session, job, JobState.QUEUED)


def retry_later(session: Session, claim: Claim, error: OverreadError, max_attempts: int) -> JobState:
    """An error that may pass: wait and run again, or fail once the attempts are used up. Raises LeaseLost."""
    job = _held_job(session, claim)
    _write(session, claim, AttemptOutcome.RETRYABLE, error)
    attempts = job.attempts + 1
    if attempts >= max_attempts:
        return _set(session, job, JobState.FAILED, error, attempts=attempts)
    wait = min(BACKOFF_SECONDS * 2**job.attempts, BACKOFF_CEILING_SECONDS)
    return _set(session, job, JobState.QUEUED, attempts=attempts, not_before=seconds_from_now(wait))


def fail(session: Session, claim: Claim, error: OverreadError) -> JobState:
    """An error that will not pass. Raises LeaseLost."""
    job = _held_job(session, claim)
    _write(session, claim, AttemptOutcome.FAILED, error)
    return _set(session, job, JobState.FAILED, error, attempts=job.attempts + 1)


def die_of_itself(
    session: Session, claim: Claim, error: OverreadError, signal: int | None, peak: int | None
) -> JobState:
    """The job ended its process (segmentation fault, out of memory): twice is enough. Raises LeaseLost."""
    job = _held_job(session, claim)
    _write(session, claim, AttemptOutcome.DIED, error, signal, peak)
    deaths = job.attributed_deaths + 1
    state = JobState.QUARANTINED if deaths >= ATTRIBUTED_DEATHS or job.alone else JobState.QUEUED
    return _set(session, job, state, error if state is JobState.QUARANTINED else None, attributed_deaths=deaths)


def run_out_of_memory(
    session: Session,
    claim: Claim,
    error: OverreadError,
    last_step: int,
    signal: int | None = None,
    peak: int | None = None,
) -> JobState:
    """The job needed more memory than it was given: it is tried a step further down. Raises LeaseLost.

    Each is a death that the job itself caused; below `last_step`, or where it ran alone, it is quarantined.
    """
    job = _held_job(session, claim)
    _write(session, claim, AttemptOutcome.DIED, error, signal, peak)
    deaths = job.attributed_deaths + 1
    if job.ladder >= last_step or job.alone:
        return _set(session, job, JobState.QUARANTINED, error, attributed_deaths=deaths)
    return _set(session, job, JobState.QUEUED, attributed_deaths=deaths, ladder=job.ladder + 1)


def wait_out(session: Session, claim: Claim, error: OverreadError) -> JobState:
    """A part of the system is away or full: wait and run again, and count nothing against the job. Raises LeaseLost."""
    job = _held_job(session, claim)
    _write(session, claim, AttemptOutcome.RETRYABLE, error)
    return _set(session, job, JobState.QUEUED, not_before=seconds_from_now(OUTAGE_SECONDS))


def die_of_unknown(
    session: Session, claim: Claim, outcome: AttemptOutcome, error: OverreadError, signal: int | None = None
) -> JobState:
    """The process or the whole worker is gone and nothing says why: an innocent job runs again. Raises LeaseLost.

    One of a chunk had many beside it, and no death counts against it: it runs by itself next, where one would.
    """
    job = _held_job(session, claim)
    _write(session, claim, outcome, error, signal)
    if claim.in_chunk:
        return _set(session, job, JobState.QUEUED, single=True)
    deaths = job.unattributed_deaths + 1
    if job.alone:
        return _set(session, job, JobState.QUARANTINED, error, unattributed_deaths=deaths)
    return _set(session, job, JobState.QUEUED, unattributed_deaths=deaths, alone=deaths >= UNATTRIBUTED_DEATHS)


def cancel(session: Session, job_id: str, error: OverreadError) -> bool:
    """End a queued or running job; False where it had ended already. Its worker learns so at the next heartbeat."""
    job = session.execute(select(Job).where(Job.id == job_id).with_for_update()).scalar_one_or_none()
    if job is None or job.state not in OPEN:
        return False
    if job.state == JobState.RUNNING:
        _write(session, claim_of(job), AttemptOutcome.CANCELLED, error)
    _set(session, job, JobState.CANCELLED, error)
    return True


def cancel_open(session: Session, study_id: str) -> list[str]:
    """Cancel all jobs of a study that takes another instance; the caller has locked the study. Returns their ids.

    Routing queues live ones again should the study close with the instances it had; shadow and batch ones, which would
    compare readings of different images, are asked for anew likewise.
    """
    open_jobs = select(Job.id).where(Job.study_id == study_id, Job.state.in_(OPEN))
    error = Conflict("another image of this study came in", code=SUBJECT_REOPENED)
    return [job_id for job_id in session.scalars(open_jobs.order_by(Job.id)).all() if cancel(session, job_id, error)]


def cancel_waiting(session: Session, slot_id: str, *, but: str) -> list[str]:
    """Cancel what still waits in a slot, and its shadows, for the sake of a newer job (`but`).

    The caller has locked the study.
    """
    older = or_(
        and_(Job.role == JobRole.LIVE, Job.id != but),
        and_(Job.role == JobRole.SHADOW, Job.id < but),  # those of the newer job were queued after it
    )
    waiting = select(Job.id).where(Job.slot_id == slot_id, Job.state == JobState.QUEUED, older)
    error = Conflict("another series of this study came in", code=SUBJECT_REOPENED)
    return [job_id for job_id in session.scalars(waiting.order_by(Job.id)).all() if cancel(session, job_id, error)]


def cancel_batch(session: Session, batch_id: str, error: OverreadError | None = None) -> int:
    """End up to GROUP open jobs of a batch and say how many; call it, each time in its own unit, until it is 0.

    One that another batch waits for too goes on as that one's. The studies are locked in the order of their ids, as by
    everything that locks several.
    """
    error = error or Conflict("its batch was cancelled", code=BATCH_CANCELLED)
    ours = select(Job.id, Job.study_id).where(Job.batch_id == batch_id, Job.state.in_(OPEN))
    found = session.execute(ours.limit(GROUP)).all()
    for study_id in sorted({row.study_id for row in found}):
        lock_study(session, study_id)
    ids = [row.id for row in found]
    hand_over(session, batch_id, Job.id.in_(ids))
    for row in session.execute(ours.where(Job.id.in_(ids)).order_by(Job.id)).all():
        cancel(session, row.id, error)
    return len(found)


def succeed(session: Session, claim: Claim, peak_memory_bytes: int | None) -> JobRole:
    """The result is being saved in this transaction; says what for. Raises LeaseLost: then nothing of it may stay."""
    job = _held_job(session, claim)
    _write(session, claim, AttemptOutcome.SUCCEEDED, peak=peak_memory_bytes)
    _set(session, job, JobState.SUCCEEDED, progress=1.0, step=None)
    return JobRole(job.role)  # the row's own: a study may have come to wait for what a batch had asked


def _held_job(session: Session, claim: Claim) -> Job:
    lock_study(session, claim.study_id)  # before the job, as everywhere: two orders would be a deadlock
    job = session.execute(select(Job).where(*held(claim)).with_for_update()).scalar_one_or_none()
    if job is None:
        raise LeaseLost
    return job


def _write(
    session: Session,
    claim: Claim,
    outcome: AttemptOutcome,
    error: OverreadError | None = None,
    signal: int | None = None,
    peak: int | None = None,
) -> None:
    session.add(
        Attempt(
            job_id=claim.job_id,
            fence=claim.fence,
            worker=claim.worker,
            outcome=outcome,
            signal=signal,
            peak_memory_bytes=peak,
            device=claim.device or None,
            ladder=claim.ladder,
            code=error.code if error else None,
            detail=error.sentence[:DETAIL_LENGTH] if error else None,
            started_at=claim.started_at,
        )
    )


def _set(
    session: Session, job: Job, state: JobState, error: OverreadError | None = None, **columns: Any
) -> JobState:  # Any: column values
    ended = state is not JobState.QUEUED
    session.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(
            state=state,
            lease_until=None,
            finished_at=utcnow() if ended else None,
            error_code=error.code if error else None,
            error_detail=error.sentence[:DETAIL_LENGTH] if error else None,
            **columns,
        )
    )
    changes.settle_unfinished(session, job.id, state, error.code if error else None)
    announce(session, job.id, job.study_id, state)
    return state
