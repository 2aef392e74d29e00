"""The worklist: a projection, one row a slot (or an unrouted study), rebuilt in the transaction of each change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from pipelines.core.change import Document
from pipelines.core.types import Urgency
from services.store.age import SILENT, age_rank
from services.store.clock import utcnow
from services.store.current import open_proposal
from services.store.disagreement import disagreement_of
from services.store.locks import only_one_of
from services.store.reading import confidence_of, headline_of, is_gradable
from services.store.session import before_commit
from services.store.signatures import Standing, answer_on, standing_of
from services.store.states import JobRole, JobState, Priority, ReviewState
from services.store.tables import (
    Assignment,
    Batch,
    BatchItem,
    CurrentResult,
    Job,
    Result,
    Series,
    Slot,
    Study,
    WorklistRow,
)

#: Order of the list: where two readers disagree a third is waited for by two; then what the machine cannot answer, then
#: by urgency, then what still runs, then what is done: a signed study is no more work, however urgent it was. What an
#: archive's reading brought in and nobody needs to see comes last of all, behind what a list shows unless it is asked
#: for by name.
RANK_ADJUDICATION: Final = -1
RANK_UNANSWERED: Final = 0
URGENCY_RANKS: Final[Mapping[str, int]] = {urgency: rank for rank, urgency in enumerate(Urgency, start=1)}
RANK_WAITING: Final = len(URGENCY_RANKS) + 1
RANK_UNROUTED: Final = RANK_WAITING + 1
RANK_SIGNED: Final = RANK_UNROUTED + 1
RANK_SHELVED: Final = RANK_SIGNED + 1
#: Where a reader's word alone decides on the place.
RANKS_OF_STATES: Final[Mapping[ReviewState, int]] = {
    ReviewState.ADJUDICATION: RANK_ADJUDICATION,
    ReviewState.SIGNED: RANK_SIGNED,
}
#: A patient waits for a blinded second reader whose list must not say how long the machine thinks they can.
SECOND_READ_URGENCY: Final = Urgency.URGENT
UNANSWERED_STATES: Final = frozenset({JobState.FAILED, JobState.QUARANTINED})

Row = TypeVar("Row")


def project(session: Session, study_id: str) -> None:
    """Rebuild the study's worklist rows from the truth tables, as the last step of the caller's transaction.

    Call it with every change of a study, its jobs, results, reviews or assignments; within one transaction it is done
    once.
    """
    before_commit(session, f"worklist:{study_id}", _rebuild, session, study_id)


def shows(session: Session, slot_id: str) -> bool:
    """Whether the question has a row: what shadows and batches do to it before their results changes nothing there."""
    return session.scalar(select(WorklistRow.id).where(WorklistRow.slot_id == slot_id).limit(1)) is not None


def say_ungradable(session: Session, result_ids: Collection[str]) -> None:
    """Have the lines whose answers these are say that the images cannot be graded."""
    answered = WorklistRow.result_id.in_(sorted(result_ids))
    session.execute(update(WorklistRow).where(answered).values(gradable=False))


def _rebuild(session: Session, study_id: str) -> None:
    session.flush()
    # Not the study's row: a worker that claims a job and a late image that cancels it would wait for each other.
    only_one_of(session, "worklist", study_id)
    study = session.get_one(Study, study_id, populate_existing=True)
    modality = "/".join(
        session.scalars(select(Series.modality).filter_by(study_id=study_id).distinct().order_by(Series.modality))
    )
    slots = session.scalars(select(Slot).filter_by(study_id=study_id).order_by(Slot.id)).all()
    rows = [_slot_row(session, slot, study) for slot in slots] or [_unrouted_row(session, study)]
    kept = {row.id: row for row in session.scalars(_now(select(WorklistRow).filter_by(study_id=study_id)))}
    for values in rows:
        row = next((old for old in kept.values() if _same(old, values)), None)
        if row is None:
            row = WorklistRow(study_id=study_id)
            session.add(row)
        else:
            del kept[row.id]
        told = _study_values(study, modality) | values
        for name, value in told.items():
            setattr(row, name, value)
        row.age_rank = age_rank(told, batch_only=study.batch_only)
        row.updated_at = utcnow()
    session.execute(delete(WorklistRow).where(WorklistRow.id.in_(list(kept))))
    session.flush()


def _now(query: Select[Row]) -> Select[Row]:
    # What the session read before the lock may be old by now.
    return query.execution_options(populate_existing=True)


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
        "incomplete": study.incomplete,
        "priority": study.priority,
        "study_created_at": study.created_at,
    }


def _unrouted_row(session: Session, study: Study) -> dict[str, Any]:
    told = {
        "slot_id": None,
        "subject_id": study.id,
        "pipeline": "",
        "urgency_rank": RANK_UNROUTED if study.unrouted_reason else RANK_WAITING,
        "review_state": ReviewState.UNREAD,
    }
    return _of_batch(session, told) if study.batch_only else told


def _slot_row(session: Session, slot: Slot, study: Study) -> dict[str, Any]:
    job = session.scalar(
        _now(select(Job).where(Job.slot_id == slot.id, Job.role == JobRole.LIVE).order_by(Job.id.desc()).limit(1))
    )
    pointer = session.get(CurrentResult, slot.id, populate_existing=True)
    result = session.get(Result, pointer.result_id) if pointer else None
    word = standing_of(session, slot.id)
    assignment = session.get(Assignment, slot.id, populate_existing=True)
    counting = _counting(result, word) if result else None
    told = {
        "slot_id": slot.id,
        "subject_id": slot.subject_id,
        "pipeline": slot.pipeline,
        "job_id": job.id if job else None,
        "job_state": job.state if job else None,
        "job_error": job.error_code if job else None,
        "result_id": result.id if result else None,
        "proposed_result_id": open_proposal(pointer, word),
        "urgency": result.urgency if result else None,
        "urgency_rank": RANKS_OF_STATES.get(word.state, _rank(job, result)),
        "abstained": bool(result and result.abstained),
        "gradable": is_gradable(result.document) if result else True,
        "headline": headline_of(counting) if counting else None,
        "confidence": confidence_of(counting) if counting else None,
        "review_state": word.state,
        "verdict": word.verdict,
        "first_reader_id": word.first_reader_id,
        "disagreement": disagreement_of(session, word, result) if result else None,
        "assignee_id": assignment.user_id if assignment else None,
        **_change(session, slot, pointer, word),
    }
    placed = _of_batch(session, told) if study.batch_only else told
    return placed | _silence(word, job)


def _silence(word: Standing, job: Job | None) -> dict[str, Any]:
    """A line on which a blinded second reader is awaited says nothing of the answer to anybody, nor does its place.

    Any reader may be that one, and one list is read by all; the first reader finds the answer in the study.
    """
    # Any: column values are of the columns' types
    if not word.awaits_blinded:
        return {}
    stat = job is not None and job.priority == Priority.STAT
    return {**SILENT, "urgency_rank": URGENCY_RANKS[Urgency.STAT if stat else SECOND_READ_URGENCY]}


def _of_batch(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """The row of a study that batches alone read: shown where a reading is marked, by the urgency of that reading."""
    # Any: column values are of the columns' types
    if values["review_state"] != ReviewState.UNREAD:
        return values
    if values.get("change") is None:
        return values | {"urgency_rank": RANK_SHELVED}
    if values["result_id"] is not None:
        return values
    marked = session.scalar(
        select(Result)
        .join(BatchItem, BatchItem.new_result_id == Result.id)
        .where(BatchItem.batch_id == values["change_batch_id"], Result.slot_id == values["slot_id"])
    )
    return values | {"urgency_rank": _rank(None, marked)}


def _change(session: Session, slot: Slot, pointer: CurrentResult | None, word: Standing) -> dict[str, Any]:
    """The mark of the newest batch that found another answer, until a reader signs after it.

    An answer that a signature has settled is not marked again where another batch finds the same.
    """
    # Any: column values are of the columns' types
    marked = (
        select(BatchItem)
        .join(Batch, Batch.id == BatchItem.batch_id)
        .where(BatchItem.study_id == slot.study_id, BatchItem.weight > 0, Batch.pipeline == slot.pipeline)
        .where(BatchItem.subject_kind == slot.subject_kind, BatchItem.subject_id == slot.subject_id)
        .order_by(BatchItem.finished_at.desc(), BatchItem.id.desc())
        .limit(1)
    )
    item = session.scalar(_now(marked))
    if item is None or item.finished_at is None or _is_settled(item, item.finished_at, pointer, word):
        return {"change": None, "change_weight": None, "change_batch_id": None, "change_headline": None}
    return {
        "change": item.change,
        "change_weight": item.weight,
        "change_batch_id": item.batch_id,
        "change_headline": item.headline,
    }


def _is_settled(item: BatchItem, found_at: datetime, pointer: CurrentResult | None, word: Standing) -> bool:
    if word.newest is None:
        return False
    if pointer is not None and pointer.proposed_result_id == item.new_result_id:
        return open_proposal(pointer, word) is None  # a signature that did not see it has not settled it
    return word.newest.created_at >= found_at


def _counting(result: Result, word: Standing) -> Document:
    """The document whose findings count: as a signature corrected it, else the machine's, which a rejection leaves."""
    said = answer_on(result.document, word.review) if word.review else None
    return said or result.document


def _rank(job: Job | None, result: Result | None) -> int:
    if result is not None:
        return RANK_UNANSWERED if result.abstained else URGENCY_RANKS[result.urgency]
    if job is not None and job.state in UNANSWERED_STATES:
        return RANK_UNANSWERED
    # Somebody waits for a stat study: it stands with the most urgent while the machine still reads it.
    if job is not None and job.priority == Priority.STAT:
        return URGENCY_RANKS[Urgency.STAT]
    return RANK_WAITING
