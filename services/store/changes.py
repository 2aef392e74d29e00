"""What a batch's new results say otherwise than the answers there were: compared once, when a result is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipelines.core.change import Change, ChangeKind, compare
from services.store import models, worklist
from services.store.clock import utcnow
from services.store.jobs import SUBJECT_REOPENED
from services.store.states import BatchItemState, JobState
from services.store.tables import Batch, BatchItem, CurrentResult, ModelVersion, Result, Slot
from services.store.upsert import insert_or_keep

#: Items whose job may still bring a result: a failed one runs again where a person asks for it.
OPEN: Final = (BatchItemState.WAITING, BatchItemState.QUEUED, BatchItemState.FAILED)
ENDS: Final = {
    JobState.FAILED: BatchItemState.FAILED,
    JobState.QUARANTINED: BatchItemState.FAILED,
    JobState.CANCELLED: BatchItemState.SKIPPED,
}


def settle(session: Session, job_id: str, result_id: str) -> None:
    """Compare a job's result with the answer there was, for every batch item that waits for the job.

    Call it in the transaction that stores the result, with the study locked, and before the slot's pointer moves. A
    change is proposed beside the answer and marks the worklist; the answer itself stays, signed or not. A slot without
    any answer takes the result of the version in use as its own.
    """
    waiting = select(BatchItem).where(BatchItem.job_id == job_id, BatchItem.state.in_(OPEN))
    # Locked, since a reader who marks the old change as seen meanwhile has not looked at this one.
    items = session.scalars(waiting.with_for_update().execution_options(populate_existing=True)).all()
    if not items:
        return
    new = session.get_one(Result, result_id)
    session.execute(select(Slot.id).where(Slot.id == new.slot_id).with_for_update())
    pointer = session.get(CurrentResult, new.slot_id, populate_existing=True)
    old = session.get(Result, pointer.result_id) if pointer else None
    change = _compared(old, new)
    _finish(session, items, old, new, change)
    if pointer is None and _is_active(session, items[0]):
        values = {"slot_id": new.slot_id, "result_id": new.id, "updated_at": utcnow()}
        insert_or_keep(session, CurrentResult, values, conflict=("slot_id",))
    elif pointer is not None and change.weight > 0 and pointer.proposed_result_id != new.id:
        # The same once more is no new proposal: a signature that was made beside it has settled it.
        pointer.proposed_result_id, pointer.updated_at = new.id, utcnow()
    session.flush()
    worklist.project(session, new.study_id)


def settle_unfinished(session: Session, job_id: str, state: JobState, error_code: str | None) -> None:
    """Say of every batch item that waits for a job how it ended without a result; one that runs again says nothing."""
    if state not in ENDS:
        return
    if error_code == SUBJECT_REOPENED:
        _ask_anew(session, job_id)
        return
    waiting = (BatchItemState.WAITING, BatchItemState.QUEUED)
    session.execute(
        update(BatchItem)
        .where(BatchItem.job_id == job_id, BatchItem.state.in_(waiting))
        .values(state=ENDS[state], error_code=error_code, finished_at=utcnow())
        .execution_options(synchronize_session=False)
    )


def _ask_anew(session: Session, job_id: str) -> None:
    """The study took another image: its items wait for a job over all of them."""
    session.execute(
        update(BatchItem)
        .where(BatchItem.job_id == job_id, BatchItem.state == BatchItemState.QUEUED)
        .values(state=BatchItemState.WAITING, job_id=None)
        .execution_options(synchronize_session=False)
    )


def _compared(old: Result | None, new: Result) -> Change:
    if old is not None and old.id == new.id:
        return Change(ChangeKind.NONE, 0.0, "it is the answer already", ())
    return compare(old.document if old else None, new.document)


def _finish(session: Session, items: Sequence[BatchItem], old: Result | None, new: Result, change: Change) -> None:
    for item in items:
        if item.new_result_id != new.id:
            item.seen_by_id = item.seen_at = None  # it was of another answer that a reader said so
        item.state = BatchItemState.DONE
        item.error_code = None
        item.old_result_id = old.id if old else None
        item.new_result_id = new.id
        item.change, item.weight, item.headline = change.kind, change.weight, change.headline
        item.compared = [[each.label, each.laterality, each.old, each.new] for each in change.findings]
        item.seconds = float(sum(new.document["seconds"].values()))
        item.finished_at = utcnow()
    session.flush()


def _is_active(session: Session, item: BatchItem) -> bool:
    """Whether the batch reads with the version that reads new studies."""
    batch = session.get_one(Batch, item.batch_id)
    version = session.get_one(ModelVersion, batch.model_version_id)
    active = models.active_version(session, version.name)
    return active is not None and active.id == version.id
