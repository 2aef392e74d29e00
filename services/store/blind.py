"""Who reads before the machine is shown: which slots are withheld from a reader until that reader's own word."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store.reviews import SIGNING
from services.store.signatures import AWAITED
from services.store.states import ReviewState, Role
from services.store.tables import BlindRead, Review, SecondRead, Slot, User, WorklistRow

Slots: TypeAlias = frozenset[str]
NONE: Final[Slots] = frozenset()


@dataclass(frozen=True, slots=True)
class _Line:
    """Where a slot stands, and who signed first while another is awaited."""

    state: ReviewState
    first_reader_id: str | None = None


UNSEEN: Final = _Line(ReviewState.UNREAD)


def reads_blind(session: Session, user_id: str | None, slot_id: str) -> bool:
    """Whether this person may not see yet what the machine, or another reader, says in this slot.

    So it is for who reads blind first, and for whom a rule asks for a blinded second read, until their own word: a
    blind read or a signature of theirs. A rule asks on where the first signature was taken back: the next one to read
    must not find it, nor what it was about. What is settled is withheld from nobody. None is the system: it reads
    nothing.
    """
    return slot_id in withheld_slots(session, user_id, [slot_id])


def withheld_slots(session: Session, user_id: str | None, slot_ids: Collection[str]) -> frozenset[str]:
    """Those of the slots that this person reads blind still; asked of many at once."""
    reader = session.get(User, user_id) if user_id is not None else None
    if reader is None or not slot_ids:
        return NONE
    lines = _lines(session, slot_ids)
    asked = _asked_blind(session, reader, lines)
    return asked - _has_committed(session, reader.id, asked, lines) if asked else NONE


def withheld_studies(session: Session, user_id: str | None, study_ids: Collection[str]) -> frozenset[str]:
    """Those of the studies in which anything is withheld from this person."""
    if user_id is None or not study_ids:
        return NONE
    held = session.execute(select(Slot.id, Slot.study_id).where(Slot.study_id.in_(sorted(study_ids))))
    slots = {row.id: row.study_id for row in held}
    return frozenset(slots[slot_id] for slot_id in withheld_slots(session, user_id, slots))


def has_spoken(session: Session, user_id: str, slot_ids: Collection[str]) -> frozenset[str]:
    """Those in which this person has committed to an answer, ever: also by a signature that was taken back since."""
    wanted = sorted(slot_ids)
    signed = select(Review.slot_id).where(
        Review.user_id == user_id, Review.slot_id.in_(wanted), Review.action.in_(sorted(SIGNING))
    )
    return frozenset(session.scalars(signed)) | _has_read_blind(session, user_id, wanted)


def _asked_blind(session: Session, reader: User, lines: Mapping[str, _Line]) -> frozenset[str]:
    """Those that are to be read blind by this person, whether that was done or not."""
    if reader.blind_first:
        return frozenset(slot_id for slot_id, line in lines.items() if line.state != ReviewState.SIGNED)
    if reader.role == Role.TECHNICIAN:
        return NONE  # signs nothing, so is nobody's second reader
    waiting = [slot_id for slot_id, line in lines.items() if line.state in AWAITED]
    blinded = select(SecondRead.slot_id).where(SecondRead.slot_id.in_(waiting), SecondRead.blinded)
    return frozenset(session.scalars(blinded)) if waiting else NONE


def _has_committed(session: Session, user_id: str, slot_ids: Collection[str], lines: Mapping[str, _Line]) -> Slots:
    """Those in which this person's word cannot be drawn towards what is withheld any more.

    A signature that was taken back is such a word as long as no other reader's stands: who took it back may go on.
    Under another's word it is none, or two readers who take turns would be no independent two.
    """
    under_another = {
        slot_id
        for slot_id in slot_ids
        if lines[slot_id].state == ReviewState.SECOND_READ and lines[slot_id].first_reader_id != user_id
    }
    free = has_spoken(session, user_id, frozenset(slot_ids) - under_another)
    return free | _has_read_blind(session, user_id, sorted(under_another))


def _has_read_blind(session: Session, user_id: str, slot_ids: Sequence[str]) -> Slots:
    read = select(BlindRead.slot_id).where(BlindRead.user_id == user_id, BlindRead.slot_id.in_(slot_ids))
    return frozenset(session.scalars(read)) if slot_ids else NONE


def _lines(session: Session, slot_ids: Collection[str]) -> Mapping[str, _Line]:
    """Where the slots stand, by slot; one without a line of the worklist is not settled."""
    rows = select(WorklistRow.slot_id, WorklistRow.review_state, WorklistRow.first_reader_id).where(
        WorklistRow.slot_id.in_(sorted(slot_ids))
    )
    told = {row.slot_id: _Line(ReviewState(row.review_state), row.first_reader_id) for row in session.execute(rows)}
    return {slot_id: told.get(slot_id, UNSEEN) for slot_id in slot_ids}
