"""A reader's word before the machine's is shown: checked, appended, and from then on nothing is withheld."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.core.errors import BadReview, Conflict, NotFound
from services.store import audit, shown, users
from services.store.blind import reads_blind
from services.store.session import unit_of_work
from services.store.shown import BLINDED, may_have_listed
from services.store.stores import Store
from services.store.studies import lock_study
from services.store.tables import BlindRead, Result, Slot
from services.work.asks import asks_of
from services.work.review import EditedFinding, as_findings, check_findings
from services.work.slots import answer_of


@dataclass(frozen=True, slots=True)
class BlindWord:
    """What a reader says of the images alone; `seconds` from the pictures to the word."""

    findings: tuple[EditedFinding, ...] = ()
    ungradable: bool = False
    comment: str | None = None
    seconds: float | None = None


def read_blind(store: Store, actor: str, user_id: str, slot_id: str, word: BlindWord) -> BlindRead:
    """Append a person's blind word on a slot; `actor` goes to the audit.

    Raises NotFound; Conflict `already_read` where it was said before, `nothing_withheld` where this person sees the
    answer already, `not_answered` where no machine has read the images yet; BadReview where the word does not fit.
    """
    try:
        with unit_of_work(store.database) as session:
            slot = session.get(Slot, slot_id)
            if slot is None:
                raise NotFound("there is no question of this id")
            lock_study(session, slot.study_id)
            users.must_still_sign(session, user_id)
            _check_open(session, user_id, slot_id)
            answer = answer_of(session, slot_id)
            if answer is None:
                raise Conflict("no machine has read these images yet; wait for it", code="not_answered")
            _check_word(session, word, answer)
            if may_have_listed(session, user_id, slot_id):
                shown.note(session, actor, user_id, slot.study_id, (slot_id,))
            row = _row(user_id, answer, word)
            session.add(row)
            session.flush()
            session.refresh(row)
            audit.record(session, actor, "slot.read_blind", slot.study_id, slot=slot_id, read=row.id)
            return row
    except IntegrityError as error:
        raise _already() from error  # two windows of one reader: the unique key saw it


def set_blind_first(session: Session, user_id: str, actor: str, *, blind_first: bool) -> None:
    """Let a person read before the machine is shown, or not any more; by themselves or by an administrator."""
    users.get_user(session, user_id).blind_first = blind_first
    audit.record(session, actor, BLINDED if blind_first else "user.reads_with_machine", user=user_id)
    session.flush()


def _check_open(session: Session, user_id: str, slot_id: str) -> None:
    if session.scalar(select(BlindRead.id).filter_by(slot_id=slot_id, user_id=user_id)) is not None:
        raise _already()
    if not reads_blind(session, user_id, slot_id):
        raise Conflict("nothing of this reading is withheld from you: sign instead", code="nothing_withheld")


def _already() -> Conflict:
    return Conflict("you have said already what you see; now accept, edit or reject", code="already_read")


def _check_word(session: Session, word: BlindWord, answer: Result) -> None:
    if word.ungradable and word.findings:
        raise BadReview("images of which nothing can be said have no findings")
    check_findings(word.findings, answer)
    needed = any(ask.needs_word for ask in asks_of(session, answer))
    if needed and not word.findings and not word.ungradable:
        raise BadReview("say what you see, or that nothing can be said of these images", code="finding_required")


def _row(user_id: str, answer: Result, word: BlindWord) -> BlindRead:
    return BlindRead(
        slot_id=answer.slot_id,
        result_id=answer.id,
        user_id=user_id,
        findings=list(as_findings(word.findings, answer)),
        ungradable=word.ungradable,
        comment=word.comment,
        seconds=word.seconds,
    )
