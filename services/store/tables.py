"""All tables. Ids are ULIDs; times are UTC and set by the database; JSON holds only what no query filters on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, MetaData, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.store.clock import UtcDateTime, utcnow
from services.store.ids import ULID_LENGTH, new_id

SHA256_LENGTH = 64
UID_LENGTH = 64  # PS3.5 section 6.2, VR UI

Id = Annotated[str, mapped_column(String(ULID_LENGTH), primary_key=True, default=new_id)]
Sha256 = Annotated[str, mapped_column(String(SHA256_LENGTH))]
Uid = Annotated[str, mapped_column(String(UID_LENGTH))]
Word = Annotated[str, mapped_column(String(64))]
Line = Annotated[str, mapped_column(String(1024))]
Long = Annotated[str, mapped_column(Text)]
Bytes = Annotated[int, mapped_column(BigInteger)]
Json = Annotated[
    Any, mapped_column(JSON)
]  # Any: JSON documents are checked where they are made (pydantic, reading_json)
#: Few of all files are of a series that a pipeline made; the sweep for those that never came in asks for them alone.
MADE_SERIES = text("kind = 'derived_series'")
#: Few rows are of a machine that abstained; those are asked for, the others never. Any: what Index() takes besides.
ABSTAINED: dict[str, Any] = {"postgresql_where": text("abstained"), "sqlite_where": text("abstained = 1")}
Now = Annotated[datetime, mapped_column(UtcDateTime, server_default=utcnow())]
Time = Annotated[datetime, mapped_column(UtcDateTime)]


def to(target: str) -> Any:  # Any: SQLAlchemy's own annotation of mapped_column()
    """An indexed foreign key of ULID or sha256 width."""
    length = SHA256_LENGTH if target.endswith("sha256") else ULID_LENGTH
    return mapped_column(String(length), ForeignKey(target), index=True)


def refers(target: str) -> Any:  # Any: as above
    """A foreign key that no query looks rows up by, or that begins a wider index."""
    return mapped_column(String(ULID_LENGTH), ForeignKey(target))


class Table(DeclarativeBase):
    """Base of all tables; constraint names are fixed so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Site(Table):
    __tablename__ = "sites"
    id: Mapped[Id]
    name: Mapped[Word] = mapped_column(unique=True)


class Patient(Table):
    """The only table with name and birth date; `issuer` is the issuer of the patient id, or the source that sent it."""

    __tablename__ = "patients"
    __table_args__ = (
        UniqueConstraint("site_id", "issuer", "patient_id"),
        Index("ix_patients_patient_id", "site_id", "patient_id"),
    )
    id: Mapped[Id]
    site_id: Mapped[str] = refers("sites.id")
    issuer: Mapped[Word]
    patient_id: Mapped[Line]
    name: Mapped[Line | None]
    birth_date: Mapped[date | None]
    sex: Mapped[Word | None]
    created_at: Mapped[Now]
    erased_at: Mapped[Time | None]


class Study(Table):
    __tablename__ = "studies"
    __table_args__ = (
        UniqueConstraint("site_id", "study_instance_uid"),
        Index("ix_studies_quiet", "state", "last_instance_at"),
        Index("ix_studies_archive", "site_id", "id"),
        Index("ix_studies_day", "site_id", "study_date", "id"),
        Index("ix_studies_accession_number", "site_id", "accession_number"),
        Index("ix_studies_unerased", "erased_at", "state", "last_instance_at", "id"),
    )
    id: Mapped[Id]
    site_id: Mapped[str] = refers("sites.id")
    patient_id: Mapped[str] = to("patients.id")
    study_instance_uid: Mapped[Uid]
    state: Mapped[Word]  # StudyState
    priority: Mapped[int]  # Priority
    requested_pipeline: Mapped[Word | None]
    study_date: Mapped[date | None]
    description: Mapped[Line | None]
    accession_number: Mapped[Word | None]
    hold: Mapped[bool] = mapped_column(server_default=false())  # the sender asked to wait for `complete`
    expected_count: Mapped[int | None]  # images the sender said there are
    stated_count: Mapped[int | None]  # images that headers speak of, the most any of them said
    incomplete: Mapped[Line | None]  # what is missing, where it closed without all it should hold
    legal_hold: Mapped[bool] = mapped_column(server_default=false())  # retention may not touch it
    legal_hold_reason: Mapped[Line | None]
    unrouted_reason: Mapped[Line | None]
    created_at: Mapped[Now]
    last_instance_at: Mapped[Now]
    completed_at: Mapped[Time | None]
    erased_at: Mapped[Time | None]


class SearchText(Table):
    """What text search looks through, one row a study; holds names and ids, so retention removes it."""

    __tablename__ = "search_texts"
    id: Mapped[int] = mapped_column(primary_key=True)  # a rowid that FTS5 can rely on, also after VACUUM
    study_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("studies.id"), unique=True)
    words: Mapped[Long]


class Series(Table):
    """`digest` is the sha256 of the ordered instance digests, fixed when the series closes."""

    __tablename__ = "series"
    __table_args__ = (
        UniqueConstraint("study_id", "series_instance_uid"),
        Index("ix_series_modality", "modality", "study_id"),
    )
    id: Mapped[Id]
    study_id: Mapped[str] = to("studies.id")
    series_instance_uid: Mapped[Uid]
    modality: Mapped[Word]
    body_part: Mapped[Word | None]
    laterality: Mapped[Word | None]
    description: Mapped[Line | None]
    state: Mapped[Word]  # SeriesState
    digest: Mapped[Sha256 | None]
    expected_count: Mapped[int | None]
    incomplete: Mapped[Line | None]  # what is missing of it, by count or by gaps in its instance numbers
    derived_from: Mapped[str | None] = to("results.id")
    created_at: Mapped[Now]
    closed_at: Mapped[Time | None]


class Blob(Table):
    """A row exists only after the durable file; a tombstone says when retention removed the bytes."""

    __tablename__ = "blobs"
    sha256: Mapped[str] = mapped_column(String(SHA256_LENGTH), primary_key=True)
    bytes: Mapped[Bytes]
    media_type: Mapped[Word]
    place: Mapped[Line]
    created_at: Mapped[Now]
    removed_at: Mapped[Time | None]


class Instance(Table):
    """A second blob under one SOP Instance UID is a conflict: kept and flagged."""

    __tablename__ = "instances"
    __table_args__ = (UniqueConstraint("sop_instance_uid", "blob_sha256"),)
    id: Mapped[Id]
    series_id: Mapped[str] = to("series.id")
    sop_instance_uid: Mapped[Uid]
    sop_class_uid: Mapped[Uid]
    transfer_syntax: Mapped[Uid]
    blob_sha256: Mapped[str] = to("blobs.sha256")
    source_sha256: Mapped[str | None] = to("blobs.sha256")  # the photograph as it was sent
    instance_number: Mapped[int | None]
    laterality: Mapped[Word | None]
    rows: Mapped[int | None]
    columns: Mapped[int | None]
    frames: Mapped[int | None]
    conflict: Mapped[bool] = mapped_column(server_default=false())
    flag: Mapped[Word | None]  # e.g. same_picture: these bytes are also stored under another patient or eye
    received_at: Mapped[Now]


class Rejection(Table):
    """What was refused, from whom and why; the bytes lie in a capped quarantine where there was room."""

    __tablename__ = "rejections"
    id: Mapped[Id]
    actor: Mapped[Word]
    source: Mapped[Word]
    code: Mapped[Word] = mapped_column(index=True)
    sentence: Mapped[Line]
    bytes: Mapped[Bytes]
    quarantined: Mapped[Word | None]  # name in the quarantine folder
    created_at: Mapped[Now]


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


class Result(Table):
    """One row a finished job (append-only); `document` is the contract's JSON without what changes later."""

    __tablename__ = "results"
    __table_args__ = (Index("ix_results_model", "model_name", "model_version", "id"),)
    id: Mapped[Id]
    job_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("jobs.id"), unique=True)
    slot_id: Mapped[str] = to("slots.id")
    study_id: Mapped[str] = to("studies.id")
    pipeline: Mapped[Word]
    role: Mapped[Word]
    model_name: Mapped[Word]
    model_version: Mapped[Word]
    model_sha256: Mapped[Sha256]
    receipt_digest: Mapped[Sha256]
    abstained: Mapped[bool]
    urgency: Mapped[Word]
    document: Mapped[Json]
    created_at: Mapped[Now]


class CurrentResult(Table):
    """The one mutable pointer; a signed result stays the answer until a reader signs another."""

    __tablename__ = "current_results"
    slot_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("slots.id"), primary_key=True)
    result_id: Mapped[str] = to("results.id")
    proposed_result_id: Mapped[str | None] = to("results.id")
    updated_at: Mapped[Now]


class ArtifactRow(Table):
    """A file a result owns (append-only)."""

    __tablename__ = "artifacts"
    __table_args__ = (
        UniqueConstraint("result_id", "name"),
        Index("ix_artifacts_derived", "result_id", postgresql_where=MADE_SERIES, sqlite_where=MADE_SERIES),
    )
    id: Mapped[Id]
    result_id: Mapped[str] = to("results.id")
    name: Mapped[Line]
    kind: Mapped[Word]
    media_type: Mapped[Word]
    bytes: Mapped[Bytes]
    blob_sha256: Mapped[str] = to("blobs.sha256")


class Review(Table):
    """A reader's word (append-only); `number` counts within a slot, so two writers on one base collide."""

    __tablename__ = "reviews"
    __table_args__ = (UniqueConstraint("slot_id", "number"),)
    id: Mapped[Id]
    slot_id: Mapped[str] = to("slots.id")
    result_id: Mapped[str] = to("results.id")
    number: Mapped[int]
    user_id: Mapped[str] = to("users.id")
    action: Mapped[Word]  # ReviewAction
    verdict: Mapped[Word | None]  # Verdict
    reason: Mapped[Word | None]
    findings: Mapped[Json]
    comment: Mapped[Long | None]
    base_review_id: Mapped[str | None] = to("reviews.id")
    created_at: Mapped[Now]


class Assignment(Table):
    __tablename__ = "assignments"
    slot_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("slots.id"), primary_key=True)
    user_id: Mapped[str] = to("users.id")
    created_at: Mapped[Now]


class SavedView(Table):
    __tablename__ = "views"
    __table_args__ = (UniqueConstraint("user_id", "name"),)
    id: Mapped[Id]
    user_id: Mapped[str] = to("users.id")
    name: Mapped[Word]
    filters: Mapped[Json]


class Batch(Table):
    """An archive read again: where its studies come from, when it may run, how far it is."""

    __tablename__ = "batches"
    id: Mapped[Id]
    name: Mapped[Line]
    pipeline: Mapped[Word]
    model_version_id: Mapped[str] = to("model_versions.id")
    source: Mapped[Json]  # kind (stored, folder, dicomweb, dimse) and what that kind needs, never a password
    query: Mapped[Json]  # which of the stored studies
    window: Mapped[Json]  # local times and zone of the night; empty: always
    budget: Mapped[Json]  # studies and hours a night; empty: no limit
    state: Mapped[Word] = mapped_column(index=True)  # BatchState
    reason: Mapped[Line | None]  # why it is paused or failed
    checkpoint: Mapped[Line | None]  # where planning goes on: all before it are items already
    planned_at: Mapped[Time | None]  # when planning had seen everything
    night: Mapped[Word | None]  # the night that `night_items` counts, its first day
    night_items: Mapped[int] = mapped_column(server_default="0")
    created_by: Mapped[Word]
    created_at: Mapped[Now]
    started_at: Mapped[Time | None]
    finished_at: Mapped[Time | None]
    summary: Mapped[Json | None]  # what it found, as it stood when it ended


class BatchItem(Table):
    """One subject of a batch; `change` compares the new result with the one that was current then."""

    __tablename__ = "batch_items"
    __table_args__ = (
        UniqueConstraint("batch_id", "subject_kind", "subject_id"),
        Index("ix_batch_items_state", "batch_id", "state", "id"),
        Index("ix_batch_items_change", "batch_id", "change", "weight", "id"),
        Index("ix_batch_items_finished", "batch_id", "finished_at", "state", "seconds"),
        Index("ix_batch_items_weight", "batch_id", "weight", "id"),
    )
    id: Mapped[Id]
    batch_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("batches.id"))
    study_id: Mapped[str] = to("studies.id")
    subject_kind: Mapped[Word]
    subject_id: Mapped[str] = mapped_column(String(ULID_LENGTH))
    job_id: Mapped[str | None] = to("jobs.id")
    state: Mapped[Word]  # BatchItemState
    error_code: Mapped[Word | None]
    old_result_id: Mapped[str | None] = to("results.id")
    new_result_id: Mapped[str | None] = to("results.id")
    change: Mapped[Word | None]  # ChangeKind
    weight: Mapped[float] = mapped_column(server_default="0")  # clinical weight of the change, larger is graver
    headline: Mapped[Line | None]  # the change in one line, e.g. "DR grade 1 -> 2"
    compared: Mapped[Json | None]  # [label, side, old value, new value] of every finding that both results hold
    seconds: Mapped[float | None]  # what the reading took, for the estimate of the rest
    finished_at: Mapped[Time | None]


class BatchFetch(Table):
    """Something outside that a batch has to fetch before it can read it: a file, or a study of an archive."""

    __tablename__ = "batch_fetches"
    __table_args__ = (
        UniqueConstraint("batch_id", "locator"),
        Index("ix_batch_fetches_state", "batch_id", "state", "id"),
    )
    id: Mapped[Id]
    batch_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("batches.id"))
    locator: Mapped[Line]  # path below the folder, or Study Instance UID
    state: Mapped[Word]  # FetchState
    attempts: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[Time | None]
    study_id: Mapped[str | None] = to("studies.id")
    error_code: Mapped[Word | None]
    finished_at: Mapped[Time | None]


class ModelVersion(Table):
    """A registered bundle; the bundle itself is a content-addressed tar blob workers fetch and cache."""

    __tablename__ = "model_versions"
    __table_args__ = (UniqueConstraint("name", "version"),)
    id: Mapped[Id]
    name: Mapped[Word]
    version: Mapped[Word]
    sha256: Mapped[Sha256] = mapped_column(unique=True)  # of the bundle's tar: configuration and weights
    weights_sha256: Mapped[Sha256]
    pipeline: Mapped[Word]
    bundle_sha256: Mapped[str] = to("blobs.sha256")
    thresholds: Mapped[Json]
    facts: Mapped[Json]  # configs/metadata.json
    card: Mapped[Long]
    created_at: Mapped[Now]


class ModelEvent(Table):
    """Registered, shadow, active, retired: by whom and why (append-only); the newest event is the state."""

    __tablename__ = "model_events"
    id: Mapped[Id]
    model_version_id: Mapped[str] = to("model_versions.id")
    state: Mapped[Word]  # ModelState
    actor: Mapped[Word]
    reason: Mapped[Line]
    comparison: Mapped[Json | None]  # the figures of the shadow comparison that the decision rested on
    created_at: Mapped[Now]


class Delivery(Table):
    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("result_id", "destination"),)
    id: Mapped[Id]
    result_id: Mapped[str] = to("results.id")
    destination: Mapped[Word]
    state: Mapped[Word]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[Time | None]
    error: Mapped[Line | None]
    created_at: Mapped[Now]


class OutboxEvent(Table):
    """Written in the change's transaction; one publisher numbers rows after commit, so readers never skip one."""

    __tablename__ = "outbox"
    id: Mapped[Id]
    topic: Mapped[Word]  # study, job, result, review, batch
    study_id: Mapped[str | None] = mapped_column(String(ULID_LENGTH), index=True)
    payload: Mapped[Json]  # ids and states only
    number: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    created_at: Mapped[Now]


class IdempotencyKey(Table):
    __tablename__ = "idempotency_keys"
    credential: Mapped[Word] = mapped_column(primary_key=True)
    route: Mapped[Line] = mapped_column(primary_key=True)
    key: Mapped[Line] = mapped_column(primary_key=True)
    request_digest: Mapped[Sha256]
    status: Mapped[int | None]
    answer: Mapped[Json | None]
    created_at: Mapped[Now]


class User(Table):
    __tablename__ = "users"
    id: Mapped[Id]
    name: Mapped[Word] = mapped_column(unique=True)
    password_hash: Mapped[Line]
    role: Mapped[Word]  # Role
    disabled_at: Mapped[Time | None]
    created_at: Mapped[Now]


class BrowserSession(Table):
    """`id` and `csrf_hash` are sha256 of the tokens: the database never holds the tokens."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(String(SHA256_LENGTH), primary_key=True)
    user_id: Mapped[str] = to("users.id")
    csrf_hash: Mapped[Sha256]
    created_at: Mapped[Now]
    expires_at: Mapped[Time]


class ApiKey(Table):
    __tablename__ = "api_keys"
    id: Mapped[Id]
    name: Mapped[Word]
    key_hash: Mapped[Sha256] = mapped_column(unique=True)
    role: Mapped[Word]  # Role
    created_by: Mapped[Word]
    created_at: Mapped[Now]
    revoked_at: Mapped[Time | None]


class AuditRow(Table):
    """Who did what to which ids (append-only); sealed afterwards by one writer into `audit_seals`."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_access", "actor", "action", "study_id", "created_at"),)
    id: Mapped[Id]
    actor: Mapped[Word]  # user:<id>, key:<id>, system
    action: Mapped[Word]
    study_id: Mapped[str | None] = mapped_column(String(ULID_LENGTH), index=True)
    subjects: Mapped[Json]  # ids and words only
    created_at: Mapped[Now]


class AuditSeal(Table):
    """One link of the chain a row (append-only): hash = sha256(previous hash, canonical JSON of the audit row)."""

    __tablename__ = "audit_seals"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    audit_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("audit.id"), unique=True)
    previous_hash: Mapped[Sha256]
    hash: Mapped[Sha256]


WORKLIST_ORDER = ("urgency_rank", "study_created_at", "id")


class WorklistRow(Table):
    """A projection, one row a slot's subject (or an unrouted study); filters and order of the list read this alone."""

    __tablename__ = "worklist"
    # Each filter has an index that ends in the list's order, so that a page of it costs the same wherever it is.
    __table_args__ = (
        UniqueConstraint("study_id", "subject_id", "pipeline"),
        Index("ix_worklist_order", "site_id", *WORKLIST_ORDER),
        Index("ix_worklist_change", "site_id", "change", "change_weight", "id"),
        Index("ix_worklist_review", "site_id", "review_state", *WORKLIST_ORDER),
        Index("ix_worklist_study_state", "site_id", "study_state", *WORKLIST_ORDER),
        Index("ix_worklist_job_state", "site_id", "job_state", *WORKLIST_ORDER),
        Index("ix_worklist_modality", "site_id", "modality", *WORKLIST_ORDER),
        Index("ix_worklist_pipeline", "site_id", "pipeline", *WORKLIST_ORDER),
        Index("ix_worklist_urgency", "site_id", "urgency", *WORKLIST_ORDER),
        Index("ix_worklist_abstained", "site_id", *WORKLIST_ORDER, **ABSTAINED),
        Index("ix_worklist_assignee", "site_id", "assignee_id", *WORKLIST_ORDER),
        Index("ix_worklist_day", "site_id", "study_date"),
    )
    id: Mapped[Id]
    study_id: Mapped[str] = refers("studies.id")
    slot_id: Mapped[str | None] = to("slots.id")
    subject_id: Mapped[str] = mapped_column(String(ULID_LENGTH))
    pipeline: Mapped[Word]  # "" while nothing is routed
    patient_id: Mapped[str] = to("patients.id")
    site_id: Mapped[str] = refers("sites.id")
    modality: Mapped[Word]
    study_date: Mapped[date | None]
    study_state: Mapped[Word]
    unrouted_reason: Mapped[Line | None]
    priority: Mapped[int]
    job_id: Mapped[str | None] = refers("jobs.id")
    job_state: Mapped[Word | None]
    job_error: Mapped[Word | None]
    result_id: Mapped[str | None] = refers("results.id")
    proposed_result_id: Mapped[str | None] = refers("results.id")
    urgency: Mapped[Word | None]
    urgency_rank: Mapped[int]  # failed and abstained first, then stat, urgent, check, routine
    abstained: Mapped[bool] = mapped_column(server_default=false())
    headline: Mapped[Line | None]  # e.g. "DR grade 2"; never an identifier
    confidence: Mapped[float | None]
    review_state: Mapped[Word]  # ReviewState
    verdict: Mapped[Word | None]
    assignee_id: Mapped[str | None] = refers("users.id")
    incomplete: Mapped[Line | None]
    change: Mapped[Word | None]  # ChangeKind of the newest batch that found this finding changed
    change_weight: Mapped[float | None]
    change_batch_id: Mapped[str | None] = mapped_column(String(ULID_LENGTH))
    change_headline: Mapped[Line | None]
    study_created_at: Mapped[Time]
    updated_at: Mapped[Now]


class RetentionPolicy(Table):
    """What may be removed after how long; acts only once a person has looked at what it would remove."""

    __tablename__ = "retention_policies"
    id: Mapped[Id]
    name: Mapped[Word] = mapped_column(unique=True)
    states: Mapped[Json]  # list of RetentionState
    older_than_days: Mapped[int]
    pipeline: Mapped[Word | None]
    approved_by: Mapped[Word | None]  # None: only previews
    approved_at: Mapped[Time | None]
    created_by: Mapped[Word]
    created_at: Mapped[Now]
    removed_at: Mapped[Time | None]


class Alarm(Table):
    """Something a person must see to; one open row a code, kept with its times when it is over."""

    __tablename__ = "alarms"
    __table_args__ = (Index("ix_alarms_open", "code", "cleared_at"),)
    id: Mapped[Id]
    code: Mapped[Word]
    detail: Mapped[Line]
    raised_at: Mapped[Now]
    cleared_at: Mapped[Time | None]


APPEND_ONLY = ("attempts", "results", "artifacts", "reviews", "model_events", "audit", "audit_seals")
