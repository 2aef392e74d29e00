"""Patients, studies, series and instances as they come, written so that two writers of a thing agree on one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store.clock import utcnow
from services.store.locks import only_one_of
from services.store.search import index_study
from services.store.states import Priority, SeriesState, StudyState
from services.store.tables import Instance, Patient, Series, Study
from services.store.upsert import insert_or_keep


class InstanceOutcome(StrEnum):
    """What became of one received instance."""

    STORED = "stored"  #: new
    DUPLICATE = "duplicate"  #: the same bytes, or their object, were there under the same SOP Instance UID
    CONFLICT = "conflict"  #: another object was there under the same SOP Instance UID; kept and flagged


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """Who was imaged; `issuer` is the issuer of the patient id, or the source that sent it."""

    issuer: str
    patient_id: str
    name: str | None = None
    birth_date: date | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What a study's header and its sender say."""

    study_instance_uid: str
    study_date: date | None = None
    description: str | None = None
    accession_number: str | None = None
    priority: Priority = Priority.ROUTINE
    requested_pipeline: str | None = None
    hold: bool = False
    expected_count: int | None = None  # images that the sender says there are
    stated_count: int | None = None  # images that headers speak of


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """What a series' header says."""

    series_instance_uid: str
    modality: str
    body_part: str | None = None
    laterality: str | None = None
    description: str | None = None
    expected_count: int | None = None
    derived_from: str | None = None


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """What an instance's header says, and the blobs (already recorded) that hold it and what it was made from."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax: str
    blob_sha256: str
    content_sha256: str | None = None
    source_sha256: str | None = None
    instance_number: int | None = None
    laterality: str | None = None
    rows: int | None = None
    columns: int | None = None
    frames: int | None = None
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class AddedInstance:
    """The instance's row and whether it is new; `beside` are the digests of other bytes under its UID."""

    instance: Instance
    outcome: InstanceOutcome
    beside: frozenset[str] = frozenset()


def upsert_patient(session: Session, site_id: str, facts: PatientFacts) -> Patient:
    """The patient's row; what the newest header says replaces what was there, silence does not."""
    identity = {"site_id": site_id, "issuer": facts.issuer, "patient_id": facts.patient_id}
    # Retention, which forgets patients of whom no study stays, waits for this transaction's study, or this for it.
    query = select(Patient).filter_by(**identity).with_for_update(read=True, key_share=True)
    patient = session.scalar(query)
    if patient is None:
        insert_or_keep(session, Patient, identity | {"created_at": utcnow()}, conflict=tuple(identity))
        patient = session.scalars(query).one()
    told = {"name": facts.name, "birth_date": facts.birth_date, "sex": facts.sex}
    if _tell(patient, told):
        session.flush()
        for study_id in session.scalars(select(Study.id).filter_by(patient_id=patient.id)).all():
            index_study(session, study_id)
    return patient


def upsert_study(session: Session, site_id: str, patient_id: str, facts: StudyFacts) -> Study:
    """The study's row, nobody else's until the end of the transaction; new ones begin `receiving`.

    A study keeps its first patient: where the answer's `patient_id` differs, the sender gave one study to two. A more
    urgent priority replaces a less urgent one. `last_instance_at` becomes now.
    """
    identity = {"site_id": site_id, "study_instance_uid": facts.study_instance_uid}
    query = select(Study).filter_by(**identity).with_for_update().execution_options(populate_existing=True)
    study, new = session.scalar(query), False
    if study is None:
        first = {
            "patient_id": patient_id,
            "state": StudyState.RECEIVING,
            "priority": int(facts.priority),
            "hold": facts.hold,
        }
        new = insert_or_keep(session, Study, identity | first, conflict=tuple(identity))
        study = session.scalars(query).one()
    told = {
        "study_date": facts.study_date,
        "description": facts.description,
        "accession_number": facts.accession_number,
        "requested_pipeline": facts.requested_pipeline,
    }
    changed = _tell(study, told)
    study.priority = min(study.priority, int(facts.priority))
    study.hold = facts.hold
    study.expected_count = study.expected_count if facts.expected_count is None else facts.expected_count
    study.stated_count = _more(study.stated_count, facts.stated_count)
    study.last_instance_at = utcnow()
    session.flush()
    if new or changed:
        index_study(session, study.id)
    return study


def _more(known: int | None, said: int | None) -> int | None:
    """The larger of two counts: an archive that grew while it sent says more in its later headers."""
    return max((count for count in (known, said) if count is not None), default=None)


def _tell(row: Patient | Study, told: Mapping[str, object]) -> bool:
    """Set what was said and differs; returns whether anything did."""
    differing = {name: value for name, value in told.items() if value is not None and getattr(row, name) != value}
    for name, value in differing.items():
        setattr(row, name, value)
    return bool(differing)


def upsert_series(session: Session, study_id: str, facts: SeriesFacts) -> Series:
    """The series' row; the first header to name a fact decides it, later ones fill what was empty; counts may grow."""
    identity = {"study_id": study_id, "series_instance_uid": facts.series_instance_uid}
    filling = {
        "body_part": facts.body_part,
        "laterality": facts.laterality,
        "description": facts.description,
        "derived_from": facts.derived_from,
    }
    insert_or_keep(
        session,
        Series,
        identity | filling | {"modality": facts.modality, "state": SeriesState.OPEN},
        conflict=tuple(identity),
    )
    row = session.scalars(select(Series).filter_by(**identity).execution_options(populate_existing=True)).one()
    for name, value in filling.items():
        if value is not None and getattr(row, name) is None:
            setattr(row, name, value)
    row.expected_count = _more(row.expected_count, facts.expected_count)
    return row


def add_instance(session: Session, series_id: str, facts: InstanceFacts) -> AddedInstance:
    """Add an instance once; see `add_instances`."""
    return add_instances(session, [(series_id, facts)])[0]


def add_instances(session: Session, arrivals: Sequence[tuple[str, InstanceFacts]]) -> list[AddedInstance]:
    """Add instances, each to its series (by id) and each once; their blobs' rows must be there.

    A second blob under one SOP Instance UID is kept and flagged. The answers are in the order of the arrivals.
    """
    uids = sorted({facts.sop_instance_uid for _, facts in arrivals})
    # Two transactions that add different bytes under one UID would not see each other's row, and flag neither. In one
    # order, so that they never wait for each other in turn.
    for uid in uids:
        only_one_of(session, "instance", uid)
    held: dict[str, list[Instance]] = {uid: [] for uid in uids}
    for known in session.scalars(select(Instance).where(Instance.sop_instance_uid.in_(uids)).order_by(Instance.id)):
        held[known.sop_instance_uid].append(known)
    added = [_arrive(series_id, facts, held[facts.sop_instance_uid]) for series_id, facts in arrivals]
    session.add_all(one.instance for one in added if one.outcome is not InstanceOutcome.DUPLICATE)
    session.flush()
    return added


def _arrive(series_id: str, facts: InstanceFacts, others: list[Instance]) -> AddedInstance:
    """One arrival beside the instances that have its UID; it joins them where it is new."""
    same = next((other for other in others if other.blob_sha256 == facts.blob_sha256), None)
    if same is not None:
        return AddedInstance(same, InstanceOutcome.DUPLICATE)
    values = {field.name: getattr(facts, field.name) for field in fields(facts)}
    instance = Instance(series_id=series_id, conflict=bool(others), **values)
    outcome = InstanceOutcome.CONFLICT if others else InstanceOutcome.STORED
    beside = frozenset(other.blob_sha256 for other in others)
    others.append(instance)
    return AddedInstance(instance, outcome, beside)
