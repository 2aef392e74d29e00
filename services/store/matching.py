"""Studies by the attributes that DICOM asks for: what QIDO-RS and C-FIND of the study level need of the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, exists, literal, select, tuple_
from sqlalchemy.orm import Session

from services.store.tables import Patient, Series, Study


@dataclass(frozen=True, slots=True)
class StudyAttributes:
    """Attributes that a study has to match, PS3.18 section 8.3.4 and PS3.4 C.2.2.2; None matches every study.

    Days are the ends of a range match, both included; a study without a date matches no range.
    """

    patient_id: str | None = None
    accession_number: str | None = None
    study_instance_uids: Collection[str] | None = None
    first_day: date | None = None
    last_day: date | None = None
    modality: str | None = None  # one of ModalitiesInStudy

    @property
    def asks_for_days(self) -> bool:
        """Whether a range of days is asked for."""
        return self.first_day is not None or self.last_day is not None


def matching_studies(
    session: Session, site_id: str, asked: StudyAttributes, after: Study | None, limit: int
) -> Sequence[Study]:
    """Up to `limit` studies behind `after`, newest first: by study date where days are asked for, else by arrival."""
    return session.scalars(matching_query(site_id, asked, after).limit(limit)).all()


def matching_query(site_id: str, asked: StudyAttributes, after: Study | None) -> Select[Study]:
    """The query of `matching_studies`; its order is that of an index, so that it reads no further than its page."""
    query = select(Study).where(_of_whom(site_id, asked.patient_id), *_wanted(asked))
    if not asked.asks_for_days:
        query = query.order_by(Study.id.desc())
        return query if after is None else query.where(Study.id < after.id)
    query = query.order_by(Study.study_date.desc(), Study.id.desc())
    if after is None:
        return query
    return query.where(tuple_(Study.study_date, Study.id) < tuple_(literal(after.study_date), literal(after.id)))


def _of_whom(site_id: str, patient_id: str | None) -> ColumnElement[bool]:
    if patient_id is None:
        return Study.site_id == site_id
    # The site is asked of the patient alone: SQLite would walk the site's studies instead of the patient's.
    return Study.patient_id.in_(select(Patient.id).where(Patient.site_id == site_id, Patient.patient_id == patient_id))


def _wanted(asked: StudyAttributes) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if asked.accession_number is not None:
        wanted.append(Study.accession_number == asked.accession_number)
    if asked.study_instance_uids is not None:
        wanted.append(Study.study_instance_uid.in_(asked.study_instance_uids))
    if asked.first_day is not None:
        wanted.append(Study.study_date >= asked.first_day)
    if asked.last_day is not None:
        wanted.append(Study.study_date <= asked.last_day)
    if asked.modality is None:
        return wanted
    of_modality = select(Series.study_id).where(Series.modality == asked.modality)
    # Alone, the modality leads to its studies; beside something else it is looked up for each study that has that.
    alone = not wanted and asked.patient_id is None
    wanted.append(Study.id.in_(of_modality) if alone else exists(of_modality.where(Series.study_id == Study.id)))
    return wanted
