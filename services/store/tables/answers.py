"""What models and readers said: results, the current one of each slot, their files, reviews, who is to read them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.store.ids import ULID_LENGTH
from services.store.tables.columns import Bytes, Id, Json, Line, Long, Now, Sha256, Table, Word, refers, to

#: Few of all files are of a series that a pipeline made; the sweep for those that never came in asks for them alone.
MADE_SERIES = text("kind = 'derived_series'")


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
    mask_id: Mapped[str | None] = refers("review_masks.id")  # the outline that the word goes with
    created_at: Mapped[Now]


class Assignment(Table):
    __tablename__ = "assignments"
    slot_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("slots.id"), primary_key=True)
    user_id: Mapped[str] = to("users.id")
    created_at: Mapped[Now]
