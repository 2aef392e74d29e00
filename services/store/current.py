"""What a slot points to: the one result that is its present answer, and the one that is proposed in its place."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.store.clock import utcnow
from services.store.signatures import Standing, standing_of
from services.store.states import JobRole
from services.store.tables import CurrentResult, Job, Result, Slot
from services.store.upsert import insert_or_keep


def point(session: Session, slot_id: str, result_id: str) -> None:
    """Make a result the slot's current one, or the proposed change where a reader has signed the current one."""
    session.execute(select(Slot.id).where(Slot.id == slot_id).with_for_update())
    values = {"slot_id": slot_id, "result_id": result_id, "updated_at": utcnow()}
    if insert_or_keep(session, CurrentResult, values, conflict=("slot_id",)):
        return
    if is_signed(session, slot_id):
        change: dict[str, str | None] = {"proposed_result_id": result_id}
    else:
        change = {"result_id": result_id, "proposed_result_id": None}
    session.execute(update(CurrentResult).where(CurrentResult.slot_id == slot_id).values(**change, updated_at=utcnow()))


def open_proposal(pointer: CurrentResult | None, word: Standing) -> str | None:
    """The proposed result that waits for a reader; None where there is none, or a signature was made beside it.

    Such a signature has settled it, whichever of the two it is for. The pointer keeps it: with the signature taken back
    it waits again, and the same result found once more is nothing new.
    """
    if pointer is None or pointer.proposed_result_id is None:
        return None
    is_settled = word.newest is not None and word.newest.created_at >= pointer.updated_at
    return None if is_settled else pointer.proposed_result_id


def is_shown(session: Session, result: Result) -> bool:
    """Whether readers may see a result: a shadow's only where a study or a batch has asked for its answer since."""
    if result.role != JobRole.SHADOW or session.get_one(Job, result.job_id).role != JobRole.SHADOW:
        return True
    pointer = session.get(CurrentResult, result.slot_id)
    return pointer is not None and result.id in {pointer.result_id, pointer.proposed_result_id}


def is_signed(session: Session, slot_id: str) -> bool:
    """Whether a reader's signature stands on this slot, settled or not: a newer result is only proposed then."""
    return standing_of(session, slot_id).newest is not None
