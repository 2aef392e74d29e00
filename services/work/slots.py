"""The questions of a study as one reader finds them: what is open, what a second reader is asked, what is withheld."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store.blind import withheld_slots
from services.store.current import is_shown
from services.store.disagreement import ShadowChange, shadow_change
from services.store.shown import may_have_listed, was_shown
from services.store.states import ReviewState
from services.store.tables import ArtifactRow, BlindRead, CurrentResult, Result, SecondRead, Slot, User, WorklistRow
from services.work.asks import Ask, asks_of

#: Kinds of artifacts that are the picture to be read and say nothing of it: what was scanned, or made of raw data.
PICTURES: Final = frozenset({"volume"})


@dataclass(frozen=True, slots=True)
class Demand:
    """That a second reader is asked; why, and whose word came first, only where it would tell nothing withheld."""

    blinded: bool
    reason: str | None
    first_reader_id: str | None


@dataclass(frozen=True, slots=True)
class OpenedSlot:
    """One question; `answered` where a machine has read it.

    While it is withheld `pictures` are what may be opened of the answer all the same, and `asks` what is to be said;
    `own_word` is what its reader has said blind.
    """

    slot: Slot
    withheld: bool
    review_state: ReviewState
    second_read: Demand | None
    answered: bool
    pictures: Sequence[ArtifactRow] = ()
    asks: Sequence[Ask] = ()
    shadow: ShadowChange | None = None  # what a model on trial says otherwise
    own_word: BlindRead | None = None
    seen_before: bool = False  # the answer was shown to its reader before a blind word: that word counts in no figure


def open_slots(session: Session, reader: str | None, study_id: str) -> list[OpenedSlot]:
    """The study's questions, oldest first, as this person (None: the system) may see them."""
    slots = session.scalars(select(Slot).filter_by(study_id=study_id).order_by(Slot.id)).all()
    withheld = withheld_slots(session, reader, [slot.id for slot in slots])
    rows = {row.slot_id: row for row in session.scalars(select(WorklistRow).filter_by(study_id=study_id))}
    return [_opened(session, slot, rows.get(slot.id), reader, withheld=slot.id in withheld) for slot in slots]


def answer_of(session: Session, slot_id: str) -> Result | None:
    """What a machine says: the present answer, or the newest that readers may see where none is the answer yet."""
    pointer = session.get(CurrentResult, slot_id)
    if pointer is not None:
        return session.get_one(Result, pointer.result_id)
    found = session.scalars(select(Result).filter_by(slot_id=slot_id).order_by(Result.id.desc()))
    return next((result for result in found if is_shown(session, result)), None)


def _opened(session: Session, slot: Slot, row: WorklistRow | None, reader: str | None, *, withheld: bool) -> OpenedSlot:
    answer = answer_of(session, slot.id)
    state = ReviewState(row.review_state) if row else ReviewState.UNREAD
    is_hushed = withheld and _reads_blind_first(session, reader)
    own_word = session.scalar(select(BlindRead).filter_by(slot_id=slot.id, user_id=reader)) if reader else None
    is_blind = withheld or own_word is not None
    return OpenedSlot(
        slot,
        withheld,
        ReviewState.UNREAD if is_hushed else state,
        None if is_hushed else _demand(session, slot.id, row, withheld=withheld),
        answered=answer is not None,
        pictures=_pictures(session, answer) if answer and withheld else (),
        asks=asks_of(session, answer) if answer and withheld else (),
        shadow=shadow_change(session, answer) if answer and not withheld else None,
        own_word=own_word,
        seen_before=is_blind and reader is not None and _was_told(session, reader, slot.id, withheld=withheld),
    )


def _was_told(session: Session, reader: str, slot_id: str, *, withheld: bool) -> bool:
    """Whether this person was shown the answer before a word of their own; a word that was said says it of itself."""
    return was_shown(session, reader, slot_id) or (withheld and may_have_listed(session, reader, slot_id))


def _reads_blind_first(session: Session, reader: str | None) -> bool:
    """Whether where a withheld slot stands is withheld, too.

    Who reads blind first is not told that others have read: that a rule asks for two may say what the machine said. To
    whom only the second read is blinded, it must be said that it is one; not why.
    """
    return reader is not None and session.get_one(User, reader).blind_first


def _demand(session: Session, slot_id: str, row: WorklistRow | None, *, withheld: bool) -> Demand | None:
    asked = session.scalar(select(SecondRead).filter_by(slot_id=slot_id))
    if asked is None:
        return None
    if withheld:
        return Demand(asked.blinded, None, None)
    return Demand(asked.blinded, asked.reason, row.first_reader_id if row else None)


def _pictures(session: Session, answer: Result) -> Sequence[ArtifactRow]:
    files = select(ArtifactRow).where(ArtifactRow.result_id == answer.id, ArtifactRow.kind.in_(sorted(PICTURES)))
    return session.scalars(files.order_by(ArtifactRow.name)).all()
