"""Archives read again: batches, their items, and what they have to fetch."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.store.ids import ULID_LENGTH
from services.store.tables.columns import Id, Json, Line, Now, Table, Time, Word, refers, to


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
    seen_by_id: Mapped[str | None] = refers("users.id")  # the reader who looked at this change first, and has not
    seen_at: Mapped[Time | None]  # taken that back; the audit has both


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
