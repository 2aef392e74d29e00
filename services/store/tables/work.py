"""Work on the images: slots, jobs, queues and attempts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from services.store.ids import ULID_LENGTH
from services.store.tables.columns import Bytes, Id, Json, Line, Now, Sha256, Table, Time, Word, to

#: Few of all jobs ended badly; those are counted by what went wrong. Any: what Index() takes besides.
ENDED_BADLY: dict[str, Any] = {
    "postgresql_where": text("state IN ('failed', 'quarantined')"),
    "sqlite_where": text("state IN ('failed', 'quarantined')"),
}


class Slot(Table):
    """A question that has one current answer: this pipeline on this subject."""

    __tablename__ = "slots"
    __table_args__ = (UniqueConstraint("subject_kind", "subject_id", "pipeline"),)
    id: Mapped[Id]
    study_id: Mapped[str] = to("studies.id")
    subject_kind: Mapped[Word]  # study, series
    subject_id: Mapped[str] = mapped_column(String(ULID_LENGTH))
    pipeline: Mapped[Word]


class Job(Table):
    """The truth about work; Celery is a doorbell. Deaths count only what the job may have caused (docs/data.md)."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_claim", "queue", "state", "held", "priority", "created_at", "id"),
        Index("ix_jobs_lease", "state", "lease_until"),
        Index("ix_jobs_batch", "batch_id", "state"),
        Index("ix_jobs_device", "state", "device"),
        Index("ix_jobs_newest", "state", "id"),
        Index("ix_jobs_failures", "state", "pipeline", "error_code", "finished_at", "id", **ENDED_BADLY),
    )
    id: Mapped[Id]
    key: Mapped[Sha256] = mapped_column(unique=True)
    slot_id: Mapped[str] = to("slots.id")
    study_id: Mapped[str] = to("studies.id")
    pipeline: Mapped[Word]
    pipeline_revision: Mapped[int]
    model_version_id: Mapped[str | None] = to("model_versions.id")
    role: Mapped[Word]  # JobRole
    queue: Mapped[Word]
    priority: Mapped[int]  # Priority
    parameters: Mapped[Json]
    state: Mapped[Word]  # JobState
    step: Mapped[Word | None]
    progress: Mapped[float] = mapped_column(server_default="0")
    fence: Mapped[int] = mapped_column(server_default="0")
    worker: Mapped[Word | None]
    alone: Mapped[bool] = mapped_column(server_default=false())  # must run alone in a fresh process
    single: Mapped[bool] = mapped_column(server_default=false())  # not in a chunk again: one it was in ended badly
    batch_id: Mapped[str | None] = mapped_column(String(ULID_LENGTH))  # the batch that asked for it
    held: Mapped[bool] = mapped_column(server_default=false())  # its batch is paused or outside its window
    device: Mapped[Word | None]  # where it runs: host and device, for the limit of jobs on one GPU
    ladder: Mapped[int] = mapped_column(server_default="0")  # steps down the memory ladder that it was sent
    lease_until: Mapped[Time | None]
    heartbeat_at: Mapped[Time | None]
    not_before: Mapped[Time | None]
    attempts: Mapped[int] = mapped_column(server_default="0")  # those that count against the cap
    attributed_deaths: Mapped[int] = mapped_column(server_default="0")
    unattributed_deaths: Mapped[int] = mapped_column(server_default="0")
    error_code: Mapped[Word | None]
    error_detail: Mapped[Line | None]
    created_at: Mapped[Now]
    started_at: Mapped[Time | None]
    finished_at: Mapped[Time | None]


class JobInput(Table):
    """Which instances a job reads, fixed when it is made; `position` keeps their order."""

    __tablename__ = "job_inputs"
    job_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("jobs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[str] = to("instances.id")


class Queue(Table):
    """What an administrator asked of a queue; one without a row runs, and runs as much as there are workers."""

    __tablename__ = "queues"
    name: Mapped[Word] = mapped_column(primary_key=True)
    paused: Mapped[bool] = mapped_column(server_default=false())
    running_limit: Mapped[int | None]  # jobs that may run at once, over all workers
    actor: Mapped[Word]
    updated_at: Mapped[Now]


class Attempt(Table):
    """One row a claim, written when the claim ends (append-only)."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("job_id", "fence"),)
    id: Mapped[Id]
    job_id: Mapped[str] = to("jobs.id")
    fence: Mapped[int]
    worker: Mapped[Word]
    outcome: Mapped[Word]  # AttemptOutcome
    signal: Mapped[int | None]
    peak_memory_bytes: Mapped[Bytes | None]
    device: Mapped[Word | None]
    ladder: Mapped[int] = mapped_column(server_default="0")
    code: Mapped[Word | None]
    detail: Mapped[Line | None]
    started_at: Mapped[Time | None]
    created_at: Mapped[Now]


class Worker(Table):
    """A worker that is or was there: it says so itself every few seconds."""

    __tablename__ = "workers"
    name: Mapped[Word] = mapped_column(primary_key=True)
    host: Mapped[Word]
    pid: Mapped[int]
    queues: Mapped[Json]  # names
    device: Mapped[Word | None]
    version: Mapped[Word]
    started_at: Mapped[Now]
    seen_at: Mapped[Now]
    left_at: Mapped[Time | None]  # it said goodbye
