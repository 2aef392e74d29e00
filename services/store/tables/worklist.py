"""The list readers work from, and their saved views of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from services.store.ids import ULID_LENGTH
from services.store.tables.columns import Id, Json, Line, Now, Table, Time, Word, refers, to

#: Few rows are of a machine that abstained; those are asked for, the others never. Any: what Index() takes besides.
ABSTAINED: dict[str, Any] = {"postgresql_where": text("abstained"), "sqlite_where": text("abstained = 1")}
#: The same of what cannot be graded.
UNGRADABLE: dict[str, Any] = {"postgresql_where": text("NOT gradable"), "sqlite_where": text("gradable = 0")}
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
        Index("ix_worklist_disagreement", "site_id", "disagreement", *WORKLIST_ORDER),
        Index("ix_worklist_ungradable", "site_id", *WORKLIST_ORDER, **UNGRADABLE),
        Index("ix_worklist_age", "site_id", "age_rank", "study_created_at", "id"),
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
    age_rank: Mapped[int] = mapped_column(server_default="0")  # order that implies nothing of the machine: open first
    urgency_rank: Mapped[int]  # failed and abstained first, then stat, urgent, check, routine
    abstained: Mapped[bool] = mapped_column(server_default=false())
    gradable: Mapped[bool] = mapped_column(server_default=true())  # false: the machine says the images cannot be graded
    headline: Mapped[Line | None]  # e.g. "DR grade 2"; never an identifier
    confidence: Mapped[float | None]
    review_state: Mapped[Word]  # ReviewState
    verdict: Mapped[Word | None]
    first_reader_id: Mapped[str | None] = refers("users.id")  # who signed, where a second reader is asked
    disagreement: Mapped[Word | None]  # Disagreement: who says otherwise than the machine, or than the first reader
    assignee_id: Mapped[str | None] = refers("users.id")
    incomplete: Mapped[Line | None]
    change: Mapped[Word | None]  # ChangeKind of the newest batch that found this finding changed
    change_weight: Mapped[float | None]
    change_batch_id: Mapped[str | None] = mapped_column(String(ULID_LENGTH))
    change_headline: Mapped[Line | None]
    study_created_at: Mapped[Time]
    updated_at: Mapped[Now]


class SavedView(Table):
    __tablename__ = "views"
    __table_args__ = (UniqueConstraint("user_id", "name"),)
    id: Mapped[Id]
    user_id: Mapped[str] = to("users.id")
    name: Mapped[Word]
    filters: Mapped[Json]
