"""Jobs: added once by key, made live or queued again, and what is told of their changes; leases.py gives them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipelines.core.receipt import digest
from services.store import outbox, worklist
from services.store.clock import utcnow
from services.store.current import point
from services.store.ids import new_id
from services.store.states import JobRole, JobState, Priority
from services.store.tables import Job, JobInput, Result, Slot
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
