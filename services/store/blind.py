"""Who reads before the machine is shown: which slots are withheld from a reader until that reader's own word."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store.reviews import SIGNING
from services.store.states import ReviewState, Role
from services.store.tables import BlindRead, Review, SecondRead, Slot, User, WorklistRow

NONE: frozenset[str] = frozenset()


def reads_blind(session: Session, user_id: str | None, slot_id: str) -> bool:
    """Whether this person may not see yet what the machine, or another reader, says in this slot.

    So it is for who reads blind first, and for whom a rule asks for a blinded second read, until their own word: a
    blind read or a signature of theirs. What is settled is withheld from nobody. None is the system: it reads nothing.
    """
    return slot_id in withheld_slots(session, user_id, [slot_id])


def withheld_slots(session: Session, user_id: str | None, slot_ids: Collection[str]) -> frozenset[str]:
    """Those of the slots that this person reads blind still; asked of many at once."""
    reader = session.get(User, user_id) if user_id is not None else None
    if reader is None or not slot_ids:
        return NONE
    asked = _asked_blind(session, reader, slot_ids)
    return asked - _has_spoken(session, reader.id, asked) if asked else NONE


def withheld_studies(session: Session, user_id: str | None, study_ids: Collection[str]) -> frozenset[str]:
    """Those of the studies in which anything is withheld from this person."""
    if user_id is None or not study_ids:
        return NONE
    held = session.execute(select(Slot.id, Slot.study_id).where(Slot.study_id.in_(sorted(study_ids))))
    slots = {row.id: row.study_id for row in held}
    return frozenset(slots[slot_id] for slot_id in withheld_slots(session, user_id, slots))


def _asked_blind(session: Session, reader: User, slot_ids: Collection[str]) -> frozenset[str]:
    """Those that are to be read blind by this person, whether that was done or not."""
    rows = select(WorklistRow.slot_id, WorklistRow.review_state).where(WorklistRow.slot_id.in_(sorted(slot_ids)))
    states = {row.slot_id: row.review_state for row in session.execute(rows)}
    if reader.blind_first:  # a slot without a line of the worklist is not settled
        return frozenset(one for one in slot_ids if states.get(one) != ReviewState.SIGNED)
    if reader.role == Role.TECHNICIAN:
        return NONE  # signs nothing, so is nobody's second reader
    waiting = [slot_id for slot_id, state in states.items() if slot_id and state == ReviewState.SECOND_READ]
    blinded = select(SecondRead.slot_id).where(SecondRead.slot_id.in_(waiting), SecondRead.blinded)
    return frozenset(session.scalars(blinded)) if waiting else NONE


def _has_spoken(session: Session, user_id: str, slot_ids: Collection[str]) -> frozenset[str]:
    """Those in which this person has committed to an answer; a signature that was taken back is one too."""
    wanted = sorted(slot_ids)
    read = select(BlindRead.slot_id).where(BlindRead.user_id == user_id, BlindRead.slot_id.in_(wanted))
    signed = select(Review.slot_id).where(
        Review.user_id == user_id, Review.slot_id.in_(wanted), Review.action.in_(sorted(SIGNING))
    )
    return frozenset(session.scalars(read.union(signed)))
