"""A small world for tests of the store: studies, jobs, results and reviews written as the services write them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy.orm import Session

from services.store.blobs import Published
from services.store.ids import new_id
from services.store.received import (
    InstanceFacts,
    InstanceOutcome,
    PatientFacts,
    SeriesFacts,
    StudyFacts,
    add_instance,
    upsert_patient,
    upsert_series,
    upsert_study,
)
from services.store.session import unit_of_work
from services.store.states import JobRole, JobState, ModelState, Priority, ReviewAction, Role, Verdict
from services.store.stores import Store
from services.store.tables import (
    ArtifactRow,
    Attempt,
    CurrentResult,
    Job,
    ModelEvent,
    ModelVersion,
    Result,
    Review,
    Slot,
    User,
)

JANE = PatientFacts("clinic", "P-1", "Doe^Jane", date(1960, 1, 1), "F")


def digest_of(word: str) -> str:
    """A sha256 that stands for some bytes."""
    return hashlib.sha256(word.encode()).hexdigest()


@dataclass(frozen=True)
class Sent:
    """One instance as a sender sends it: `content` stands for its bytes."""

    content: str = "image"
    sop: str = "1.2.3"
    study: str = "1.2"
    patient: PatientFacts = JANE
    modality: str = "OP"
    priority: Priority = Priority.ROUTINE
    description: str | None = None


def receive(store: Store, sent: Sent = Sent()) -> tuple[str, InstanceOutcome]:
    """Store one instance of a one-series study, as intake does; returns the study's id and what became of it."""
    with unit_of_work(store.database) as session:
        return receive_in(session, store, sent)


def receive_in(session: Session, store: Store, sent: Sent) -> tuple[str, InstanceOutcome]:
    """The same within a transaction."""
    with tempfile.TemporaryDirectory() as scratch:
        blob = store.blobs.publish_bytes(sent.content.encode(), "application/dicom", scratch=Path(scratch))
    store.blobs.record(session, blob)
    patient = upsert_patient(session, store.site_id, sent.patient)
    facts = StudyFacts(sent.study, date(2026, 1, 2), sent.description, priority=sent.priority)
    study = upsert_study(session, store.site_id, patient.id, facts)
    series = upsert_series(session, study.id, SeriesFacts(f"{sent.study}.{sent.modality}", sent.modality))
    added = add_instance(session, series.id, InstanceFacts(sent.sop, "1.1", "1.2.1", blob.sha256))
    return study.id, added.outcome


@dataclass
class Reading:
    """A study that was read by a machine and, where wanted, by a person."""

    study_id: str
    slot_id: str
    job_id: str
    result_id: str | None = None
    review_ids: list[str] = field(default_factory=list)


def document(grade: int = 2, *, abstained: bool = False) -> dict[str, object]:
    """A result's JSON as far as lists look at it."""
    finding = {
        "code": {"scheme": "SCT", "value": "4855003", "meaning": "Retinopathy due to diabetes mellitus"},
        "label": "dr_grade",
        "value": grade,
        "unit": None,
        "probabilities": {"0": 0.1, "2": 0.9},
        "laterality": None,
    }
    return {
        "pipeline": "retinopathy",
        "findings": [finding],
        "abstained": abstained,
        "abstain_reason": "below_confidence" if abstained else None,
    }


def queue(
    session: Session, study_id: str, state: JobState = JobState.QUEUED, priority: Priority = Priority.ROUTINE
) -> Reading:
    """A job of the retinopathy pipeline on the whole study."""
    slot = Slot(id=new_id(), study_id=study_id, subject_kind="study", subject_id=study_id, pipeline="retinopathy")
    session.add(slot)
    session.flush()
    job = Job(
        id=new_id(),
        key=digest_of(slot.id),
        slot_id=slot.id,
        study_id=study_id,
        pipeline="retinopathy",
        pipeline_revision=1,
        role=JobRole.LIVE,
        queue="retinopathy",
        priority=int(priority),
        parameters={},
        state=state,
    )
    session.add(job)
    session.flush()
    return Reading(study_id, slot.id, job.id)


def answer(
    session: Session, reading: Reading, urgency: str = "routine", *, grade: int = 2, abstained: bool = False
) -> str:
    """A result of the reading's job, which becomes current."""
    result = Result(
        id=new_id(),
        job_id=reading.job_id,
        slot_id=reading.slot_id,
        study_id=reading.study_id,
        pipeline="retinopathy",
        role=JobRole.LIVE,
        model_name="fundus_dr_grading",
        model_version="1.0.0",
        model_sha256=digest_of("weights"),
        receipt_digest=digest_of("receipt"),
        abstained=abstained,
        urgency=urgency,
        document=document(grade, abstained=abstained),
    )
    session.add(result)
    session.flush()
    session.add(CurrentResult(slot_id=reading.slot_id, result_id=result.id))
    session.flush()
    reading.result_id = result.id
    return result.id


def reader(session: Session, name: str = "reader") -> str:
    """A clinician's id."""
    user = User(id=new_id(), name=name, password_hash="-", role=Role.CLINICIAN)
    session.add(user)
    session.flush()
    return user.id


def say(
    session: Session,
    reading: Reading,
    user_id: str,
    action: ReviewAction,
    verdict: Verdict | None = None,
    findings: Sequence[dict[str, object]] = (),
) -> str:
    """A reader's word on the reading's result."""
    base = reading.review_ids[-1] if reading.review_ids else None
    review = Review(
        id=new_id(),
        slot_id=reading.slot_id,
        result_id=reading.result_id,
        number=len(reading.review_ids) + 1,
        user_id=user_id,
        action=action,
        verdict=verdict,
        findings=list(findings),
        base_review_id=base,
    )
    session.add(review)
    session.flush()
    reading.review_ids.append(review.id)
    return review.id


def publish(store: Store, scratch: Path, content: bytes) -> Published:
    """Real bytes in the blob store."""
    return store.blobs.publish_bytes(content, "application/octet-stream", scratch=scratch)


def fill(store: Store, scratch: Path) -> Reading:
    """At least one row in every append-only table but the audit's, and real bytes behind the blobs."""
    blob = publish(store, scratch, b"image")
    with unit_of_work(store.database) as session:
        study_id, _ = receive_in(session, store, Sent("image"))
        reading = queue(session, study_id, JobState.SUCCEEDED)
        answer(session, reading, "urgent")
        person = reader(session)
        say(session, reading, person, ReviewAction.DRAFT)
        say(session, reading, person, ReviewAction.SIGN, Verdict.ACCEPT)
        session.add(Attempt(job_id=reading.job_id, fence=1, worker="w", outcome="succeeded"))
        session.add(
            ArtifactRow(
                result_id=reading.result_id,
                name="map.npy",
                kind="map",
                media_type="x",
                bytes=5,
                blob_sha256=blob.sha256,
            )
        )
        version = ModelVersion(
            id=new_id(),
            name="fundus_dr_grading",
            version="1.0.0",
            sha256=digest_of("bundle"),
            weights_sha256=digest_of("weights"),
            pipeline="retinopathy",
            bundle_sha256=blob.sha256,
            thresholds={"referable": 0.5},
            facts={},
            card="# Card",
        )
        session.add(version)
        session.flush()
        session.add(ModelEvent(model_version_id=version.id, state=ModelState.ACTIVE, actor="system", reason="first"))
    return reading
