"""Which instances were made of a photograph, found by the sha256 of the bytes that were sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.store.tables import Instance, Patient, Series, Study


@dataclass(frozen=True, slots=True)
class Holder:
    """One instance made of a photograph, and whose it is."""

    instance_id: str
    sop_instance_uid: str
    study_id: str
    study_instance_uid: str
    issuer: str
    patient_id: str
    laterality: str | None


def holders_of(session: Session, site_id: str, source_sha256: str) -> Sequence[Holder]:
    """The instances made of these bytes, oldest first."""
    rows = session.execute(
        select(
            Instance.id,
            Instance.sop_instance_uid,
            Study.id,
            Study.study_instance_uid,
            Patient.issuer,
            Patient.patient_id,
            Instance.laterality,
        )
        .join(Series, Series.id == Instance.series_id)
        .join(Study, Study.id == Series.study_id)
        .join(Patient, Patient.id == Study.patient_id)
        .where(Instance.source_sha256 == source_sha256, Study.site_id == site_id)
        .order_by(Instance.id)
    )
    return [Holder(*row) for row in rows]


def study_date(session: Session, site_id: str, study_instance_uid: str) -> date | None:
    """The date of the study of this UID; None where it has none, or there is no such study."""
    return session.scalar(
        select(Study.study_date).where(Study.site_id == site_id, Study.study_instance_uid == study_instance_uid)
    )


def count_instances(session: Session, site_id: str, study_instance_uid: str) -> int:
    """How many instances the study of this UID holds, 0 where there is none."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Instance)
            .join(Series, Series.id == Instance.series_id)
            .join(Study, Study.id == Series.study_id)
            .where(Study.site_id == site_id, Study.study_instance_uid == study_instance_uid)
        )
        or 0
    )


def flag_instances(session: Session, instance_ids: Collection[str], flag: str) -> None:
    """Flag instances that carry no flag yet."""
    session.execute(update(Instance).where(Instance.id.in_(instance_ids), Instance.flag.is_(None)).values(flag=flag))
