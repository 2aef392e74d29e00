"""Who was imaged and what came of it: sites, patients, studies, series."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from services.store.ids import ULID_LENGTH
from services.store.tables.columns import Id, Line, Long, Now, Sha256, Table, Time, Uid, Word, refers, to


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
    batch_only: Mapped[bool] = mapped_column(server_default=false())  # batches alone brought it in and read it
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
