"""Jobs: added once by key, claimed in the database's order, kept alive by a lease, each claim fenced by a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from pipelines.core.receipt import digest
from services.store import outbox, worklist
from services.store.clock import seconds_from_now, utcnow
from services.store.current import point
from services.store.ids import new_id
from services.store.states import JobRole, JobState, Priority
from services.store.tables import Attempt, Job, JobInput, Result, Slot
from services.store.turns import may_start, next_due
from services.store.upsert import insert_or_keep

#: Error code of a job that was cancelled because its subject took another instance; routing may queue it again.
SUBJECT_REOPENED = "subject_reopened"
#: Error code of a job that was cancelled with its batch; whoever wants its answer again queues it again.
BATCH_CANCELLED = "batch_cancelled"


@dataclass(frozen=True, slots=True)
class NewJob:
    """What routing asks for; `key` makes asking twice harmless."""

    key: str
    slot_id: str
    study_id: str
    pipeline: str
    pipeline_revision: int
    model_version_id: str | None
    queue: str
    priority: Priority
    instance_ids: Sequence[str]
    role: JobRole = JobRole.LIVE
    parameters: Mapping[str, object] = field(default_factory=dict)
    batch_id: str | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class AddedJob:
    """The job of a key; `created` is false where it was there already."""

    id: str
    created: bool


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


def job_key(
    digests: Sequence[str], pipeline: str, revision: int, model_sha256: str, parameters: Mapping[str, object]
) -> str:
    """The sha256 over what decides a result: ordered instance digests, pipeline, revision, model, parameters."""
    facts = [list(digests), pipeline, revision, model_sha256, dict(parameters)]
    return digest(facts)


def slot_for(session: Session, study_id: str, subject_kind: str, subject_id: str, pipeline: str) -> str:
    """The id of this question's slot, made on first use."""
    values = {
        "id": new_id(),
        "study_id": study_id,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "pipeline": pipeline,
    }
    insert_or_keep(session, Slot, values, conflict=("subject_kind", "subject_id", "pipeline"))
    found = select(Slot.id).where(
        Slot.subject_kind == subject_kind, Slot.subject_id == subject_id, Slot.pipeline == pipeline
    )
    return session.execute(found).scalar_one()


def add_job(session: Session, new: NewJob) -> AddedJob:
    """Queue a job, or find the one with this key, whatever it was made for: a question is asked once.

    One that was cancelled for a reason that is over is queued again. A live wish makes the job a live one: what it
    answered already becomes the slot's answer, and what waits, waits with the wish's priority.
    """
    job_id = new_id()
    values: dict[str, Any] = {  # Any: column values
        "id": job_id,
        "key": new.key,
        "slot_id": new.slot_id,
        "study_id": new.study_id,
        "pipeline": new.pipeline,
        "pipeline_revision": new.pipeline_revision,
        "model_version_id": new.model_version_id,
        "role": new.role,
        "queue": new.queue,
        "priority": int(new.priority),
        "parameters": dict(new.parameters),
        "batch_id": new.batch_id,
        "held": new.held,
        "state": JobState.QUEUED,
        "created_at": utcnow(),
    }
    if not insert_or_keep(session, Job, values, conflict=("key",)):
        return _existing(session, new)
    session.add_all(
        JobInput(job_id=job_id, position=position, instance_id=instance)
        for position, instance in enumerate(new.instance_ids)
    )
    session.flush()
    if new.role is JobRole.LIVE or not worklist.shows(session, new.slot_id):
        worklist.project(session, new.study_id)
    _tell(session, job_id, new.study_id, JobState.QUEUED)
    return AddedJob(job_id, created=True)


def _existing(session: Session, new: NewJob) -> AddedJob:
    job = session.execute(
        select(Job).where(Job.key == new.key).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()
    if new.role is JobRole.LIVE and job.role != JobRole.LIVE:
        _make_live(session, job, new.priority)
    if job.state == JobState.CANCELLED and job.error_code in (SUBJECT_REOPENED, BATCH_CANCELLED):
        if job.role != JobRole.LIVE:
            job.batch_id, job.held = new.batch_id, new.held
        requeue(session, job)
    return AddedJob(job.id, created=False)


def _make_live(session: Session, job: Job, priority: Priority) -> None:
    """A study waits now for what a batch or a comparison had asked."""
    job.role, job.batch_id, job.held = JobRole.LIVE, None, False
    job.priority = min(job.priority, int(priority))
    session.flush()
    result_id = session.scalar(select(Result.id).where(Result.job_id == job.id))
    if result_id is not None:
        point(session, job.slot_id, result_id)
    announce(session, job.id, job.study_id, JobState(job.state))


def requeue(session: Session, job: Job) -> None:
    """Queue a job afresh, its attempts and deaths forgotten; what happened stays in `attempts`."""
    session.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(
            state=JobState.QUEUED,
            attempts=0,
            attributed_deaths=0,
            unattributed_deaths=0,
            alone=False,
            single=False,
            ladder=0,
            not_before=None,
            error_code=None,
            error_detail=None,
            finished_at=None,
            step=None,
            progress=0.0,
        )
    )
    announce(session, job.id, job.study_id, JobState.QUEUED)


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


def announce(session: Session, job_id: str, study_id: str, state: JobState) -> None:
    """Project the change onto the worklist and into the event stream, in the transaction of the change."""
    worklist.project(session, study_id)
    _tell(session, job_id, study_id, state)


def _tell(session: Session, job_id: str, study_id: str, state: JobState) -> None:
    told = {"job": job_id, "state": state.value}
    if session.scalar(select(Job.role).where(Job.id == job_id)) == JobRole.SHADOW:
        outbox.emit(session, "job", None, told)  # no reader of the study is to know of it
    else:
        outbox.emit(session, "job", study_id, {**told, "study": study_id})
