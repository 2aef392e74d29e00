"""Studies as a whole: closed and opened again, locked, listed with all that came, and those before them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Date, and_, func, or_, select
from sqlalchemy.orm import Session

from pipelines.core.errors import NotFound
from services.store.clock import utcnow
from services.store.states import SeriesState, StudyState
from services.store.tables import Instance, Patient, Series, Study


@dataclass(frozen=True, slots=True)
class SeriesTree:
    """A series with its instances, ordered by instance number, then UID."""

    series: Series
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class StudyTree:
    """A study with its patient and everything received for it."""

    study: Study
    patient: Patient
    series: tuple[SeriesTree, ...]


def close_study(session: Session, study_id: str) -> Study:
    """Close the study and its open series, fixing their digests; harmless where it is closed already."""
    study = get_study(session, study_id)
    open_series = session.scalars(
        select(Series).filter_by(study_id=study_id, state=SeriesState.OPEN).order_by(Series.id)
    ).all()
    for series in open_series:
        close_series(session, series)
    if study.state != StudyState.COMPLETE:
        study.state = StudyState.COMPLETE
        study.completed_at = utcnow()
    session.flush()
    return study


def close_series(session: Session, series: Series) -> None:
    """The series takes no more instances: its digest is fixed."""
    series.state, series.closed_at = SeriesState.CLOSED, utcnow()
    series.digest = series_digest(session, series.id)


def reopen(session: Session, series_id: str) -> None:
    """A late instance came: the series and its study take instances again, the series' digest is open."""
    series = session.get_one(Series, series_id)
    series.state, series.closed_at, series.digest = SeriesState.OPEN, None, None
    study = session.get_one(Study, series.study_id)
    study.state, study.completed_at = StudyState.RECEIVING, None
    session.flush()


def series_digest(session: Session, series_id: str) -> str:
    """sha256 of the digests (hex, one a line) of the instances that count, ordered by SOP Instance UID."""
    digests = session.scalars(
        select(Instance.blob_sha256)
        .where(Instance.series_id == series_id, Instance.conflict.is_(False))
        .order_by(Instance.sop_instance_uid)
    )
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def get_study(session: Session, study_id: str) -> Study:
    """The study of this id; raises NotFound."""
    study = session.get(Study, study_id)
    if study is None:
        raise NotFound("there is no study of this id")
    return study


def lock_study(session: Session, study_id: str) -> Study:
    """The study of this id as it is now, and nobody else's until the end of the transaction; raises NotFound."""
    study = session.get(Study, study_id, with_for_update=True, populate_existing=True)
    if study is None:
        raise NotFound("there is no study of this id")
    return study


def lock_free(session: Session, study_ids: Sequence[str]) -> dict[str, Study]:
    """Those of the studies that nobody else holds, as they are now and the caller's until the end, by their ids.

    It waits for none of them: who takes several at once would else wait for another who holds one and wants the next.
    """
    free = select(Study).where(Study.id.in_(study_ids)).order_by(Study.id).with_for_update(skip_locked=True)
    return {study.id: study for study in session.scalars(free.execution_options(populate_existing=True))}


def study_instances(session: Session, study_id: str) -> Sequence[Instance]:
    """The instances of a study that count (no conflicting ones), ordered by SOP Instance UID."""
    return session.scalars(
        select(Instance)
        .join(Series, Series.id == Instance.series_id)
        .where(Series.study_id == study_id, Instance.conflict.is_(False))
        .order_by(Instance.sop_instance_uid)
    ).all()


def study_tree(session: Session, study_id: str) -> StudyTree:
    """A study with patient, series and every instance, conflicting ones too; raises NotFound."""
    study = get_study(session, study_id)
    series = session.scalars(select(Series).filter_by(study_id=study_id).order_by(Series.created_at, Series.id)).all()
    instances = session.scalars(
        select(Instance)
        .where(Instance.series_id.in_([one.id for one in series]))
        .order_by(Instance.instance_number, Instance.sop_instance_uid, Instance.id)
    ).all()
    return StudyTree(
        study,
        session.get_one(Patient, study.patient_id),
        tuple(SeriesTree(one, tuple(i for i in instances if i.series_id == one.id)) for one in series),
    )


def priors(session: Session, study_id: str) -> Sequence[Study]:
    """The patient's other studies of before this one, newest first; raises NotFound.

    A study is of its date, or of the day on which it came where it has none: older images may be sent later.
    """
    study = get_study(session, study_id)
    day = func.coalesce(Study.study_date, func.date(Study.created_at, type_=Date))
    own = session.scalars(select(day).where(Study.id == study_id)).one()
    before = or_(day < own, and_(day == own, Study.created_at <= study.created_at))
    return session.scalars(
        select(Study)
        .where(Study.patient_id == study.patient_id, Study.id != study.id, before)
        .order_by(day.desc(), Study.created_at.desc(), Study.id)
    ).all()
