"""Pictures to compare with: photographs of other patients whose grade a reader of the same site has confirmed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.labels import LABELS, Grades
from pipelines.core.types import Urgency
from services.store.states import ReviewState, Verdict
from services.store.tables import Blob, Instance, JobInput, Result, WorklistRow
from services.store.worklist import RANK_SIGNED

#: The grade by which a pipeline's pictures are told apart; other pipelines have no such pictures.
GRADED: Final[Mapping[str, str]] = {"retinopathy": "dr_grade"}
PER_GRADE: Final = 3
#: How many signed readings of each urgency are looked through, the newest first: urgency follows from the grade, so
#: that rare grades are found too, and an archive of a million readings costs what one of some hundreds does.
_LOOKED_THROUGH: Final = 40
#: A picture that cannot be shown any more leaves room for the next one.
_SPARE: Final = 3


@dataclass(frozen=True, slots=True)
class Reference:
    """A photograph of a confirmed grade; `laterality` is R, L or None."""

    grade: int
    instance_id: str
    laterality: str | None
    rows: int | None
    columns: int | None


@dataclass(frozen=True, slots=True)
class _Photograph:
    patient_id: str
    job_id: str
    sop_instance_uid: str
    laterality: str | None
    grade: int


def references(
    session: Session, site_id: str, but_patient_id: str | None, pipeline: str
) -> Mapping[int, list[Reference]]:
    """Each grade of the pipeline with up to PER_GRADE photographs, each of another patient, the newest readings first.

    Only what a reader accepted as it was, and what the machine called gradable; empty for a pipeline without grades.
    """
    label = GRADED.get(pipeline)
    grades = LABELS[pipeline][label] if label is not None else None
    if label is None or not isinstance(grades, Grades):
        return {}
    found: dict[int, list[_Photograph]] = defaultdict(list)
    for photograph in _confirmed(session, site_id, but_patient_id, pipeline, label):
        known = found[photograph.grade]
        if len(known) < PER_GRADE * _SPARE and photograph.patient_id not in {one.patient_id for one in known}:
            known.append(photograph)
    shown = _shown(session, [photograph for known in found.values() for photograph in known])
    return {
        grade: [shown[one] for one in found.get(grade, ()) if one in shown][:PER_GRADE]
        for grade in sorted(grades.names)
    }


def _confirmed(
    session: Session, site_id: str, but_patient_id: str | None, pipeline: str, label: str
) -> Iterator[_Photograph]:
    """The photographs of the newest accepted readings, of each urgency so many."""
    for urgency in Urgency:
        rows = (
            select(WorklistRow.patient_id, Result.job_id, Result.document)
            .join(Result, Result.id == WorklistRow.result_id)
            .where(WorklistRow.site_id == site_id, WorklistRow.urgency == urgency)
            .where(WorklistRow.urgency_rank == RANK_SIGNED, WorklistRow.pipeline == pipeline)
            .where(WorklistRow.review_state == ReviewState.SIGNED, WorklistRow.verdict == Verdict.ACCEPT)
            .where(~WorklistRow.abstained, WorklistRow.patient_id.is_distinct_from(but_patient_id))
            .order_by(WorklistRow.study_created_at.desc(), WorklistRow.id.desc())
            .limit(_LOOKED_THROUGH)
        )
        for patient_id, job_id, document in session.execute(rows):
            yield from _photographs(patient_id, job_id, document, label)


def _photographs(patient_id: str, job_id: str, document: Mapping[str, Any], label: str) -> Iterator[_Photograph]:
    """Those whose grade is certain: the only one of their eye. Any: the document is the contract's JSON."""
    grades = {one["laterality"]: one["value"] for one in document["findings"] if one["label"] == label}
    images = document["images"]
    of_eye = Counter(image["laterality"] for image in images)
    for image in images:
        side = image["laterality"]
        grade = grades.get(side)
        if grade is not None and of_eye[side] == 1 and image["quality"]["gradable"] and not image["abstained"]:
            yield _Photograph(patient_id, job_id, image["sop_instance_uid"], side, grade)


def _shown(session: Session, photographs: Sequence[_Photograph]) -> Mapping[_Photograph, Reference]:
    """Those whose bytes are kept and against which nothing is noted."""
    rows = session.execute(
        select(JobInput.job_id, Instance)
        .join(Instance, Instance.id == JobInput.instance_id)
        .join(Blob, Blob.sha256 == Instance.blob_sha256)
        .where(JobInput.job_id.in_(sorted({one.job_id for one in photographs})))
        .where(Blob.removed_at.is_(None), ~Instance.conflict, Instance.flag.is_(None))
    )
    instances = {(job_id, instance.sop_instance_uid): instance for job_id, instance in rows}
    kept = ((one, instances.get((one.job_id, one.sop_instance_uid))) for one in photographs)
    return {
        one: Reference(one.grade, instance.id, one.laterality, instance.rows, instance.columns)
        for one, instance in kept
        if instance is not None
    }
