"""The worklist: a projection, one row a slot (or an unrouted study), rebuilt in the transaction of each change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipelines.core.types import Urgency
from services.store.clock import utcnow
from services.store.reading import confidence_of, headline_of
from services.store.signatures import standing
from services.store.states import JobRole, JobState, Priority
from services.store.studies import lock_study
from services.store.tables import Assignment, CurrentResult, Job, Result, Review, Series, Slot, Study, WorklistRow

#: Order of the list: what the machine cannot answer comes first, then by urgency, then what still runs.
RANK_UNANSWERED: Final = 0
URGENCY_RANKS: Final[Mapping[str, int]] = {urgency: rank for rank, urgency in enumerate(Urgency, start=1)}
RANK_WAITING: Final = len(URGENCY_RANKS) + 1
RANK_UNROUTED: Final = RANK_WAITING + 1
UNANSWERED_STATES: Final = frozenset({JobState.FAILED, JobState.QUARANTINED})


def project(session: Session, study_id: str) -> None:
    """Rebuild the study's worklist rows from the truth tables, in the caller's transaction."""
    session.flush()
    study = lock_study(session, study_id)
    modality = "/".join(
        session.scalars(select(Series.modality).filter_by(study_id=study_id).distinct().order_by(Series.modality))
    )
    slots = session.scalars(select(Slot).filter_by(study_id=study_id).order_by(Slot.id)).all()
    rows = [_slot_row(session, slot) for slot in slots] or [_unrouted_row(study)]
    kept = {row.id: row for row in session.scalars(select(WorklistRow).filter_by(study_id=study_id))}
    for values in rows:
        row = next((old for old in kept.values() if _same(old, values)), None)
        if row is None:
            row = WorklistRow(study_id=study_id)
            session.add(row)
        else:
            del kept[row.id]
        for name, value in (_study_values(study, modality) | values).items():
            setattr(row, name, value)
        row.updated_at = utcnow()
    session.execute(delete(WorklistRow).where(WorklistRow.id.in_(list(kept))))
    session.flush()


def _same(row: WorklistRow, values: Mapping[str, Any]) -> bool:
    return (row.subject_id, row.pipeline) == (values["subject_id"], values["pipeline"])


def _study_values(study: Study, modality: str) -> dict[str, Any]:
    # Any: column values are of the columns' types
    return {
        "patient_id": study.patient_id,
        "site_id": study.site_id,
        "modality": modality,
        "study_date": study.study_date,
        "study_state": study.state,
        "unrouted_reason": study.unrouted_reason,
        "priority": study.priority,
        "study_created_at": study.created_at,
    }


def _unrouted_row(study: Study) -> dict[str, Any]:
    return {
        "slot_id": None,
        "subject_id": study.id,
        "pipeline": "",
        "urgency_rank": RANK_UNROUTED if study.unrouted_reason else RANK_WAITING,
        "review_state": standing([]).state,
    }


def _slot_row(session: Session, slot: Slot) -> dict[str, Any]:
    job = session.scalar(
        select(Job).where(Job.slot_id == slot.id, Job.role == JobRole.LIVE).order_by(Job.id.desc()).limit(1)
    )
    pointer = session.get(CurrentResult, slot.id, populate_existing=True)
    result = session.get(Result, pointer.result_id) if pointer else None
    reviews = session.scalars(select(Review).filter_by(slot_id=slot.id).order_by(Review.number)).all()
    word = standing(reviews)
    assignment = session.get(Assignment, slot.id, populate_existing=True)
    return {
        "slot_id": slot.id,
        "subject_id": slot.subject_id,
        "pipeline": slot.pipeline,
        "job_id": job.id if job else None,
        "job_state": job.state if job else None,
        "job_error": job.error_code if job else None,
        "result_id": result.id if result else None,
        "proposed_result_id": pointer.proposed_result_id if pointer else None,
        "urgency": result.urgency if result else None,
        "urgency_rank": _rank(job, result),
        "abstained": bool(result and result.abstained),
        "headline": headline_of(result.document) if result else None,
        "confidence": confidence_of(result.document) if result else None,
        "review_state": word.state,
        "verdict": word.verdict,
        "assignee_id": assignment.user_id if assignment else None,
    }


def _rank(job: Job | None, result: Result | None) -> int:
    if result is not None:
        return RANK_UNANSWERED if result.abstained else URGENCY_RANKS[result.urgency]
    if job is not None and job.state in UNANSWERED_STATES:
        return RANK_UNANSWERED
    # Somebody waits for a stat study: it stands with the most urgent while the machine still reads it.
    if job is not None and job.priority == Priority.STAT:
        return URGENCY_RANKS[Urgency.STAT]
    return RANK_WAITING
