"""Who is to read what: readings are taken, handed over and given back, each in a short transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, NotFound, OverreadError
from services.store import audit, outbox, worklist
from services.store.session import unit_of_work
from services.store.states import ReviewState, Role
from services.store.stores import Store
from services.store.studies import lock_study
from services.store.tables import Assignment, User, WorklistRow

#: Who may sign, and so who may be asked to read.
READERS: Final = frozenset({Role.CLINICIAN, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Assigning:
    """What is asked: the reader, None to give back; and whether another reader's may be taken over."""

    actor: str
    user_id: str | None
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class NotAssigned:
    """A row of the list that stays as it is, and why."""

    row_id: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """What became of the rows."""

    assigned: tuple[str, ...]
    refused: tuple[NotAssigned, ...]


def assign(store: Store, asked: Assigning, row_ids: Sequence[str]) -> Assigned:
    """Give each row's reading to the reader; one that cannot be given never sinks the others.

    Raises NotFound where nobody of this id reads here.
    """
    with unit_of_work(store.database, writing=False) as session:
        _require_reader(session, asked.user_id)
    given, refused = [], []
    for row_id in dict.fromkeys(row_ids):
        try:
            _assign_one(store, asked, row_id)
        except (NotFound, Conflict) as error:
            refused.append(_refusal(row_id, error))
        else:
            given.append(row_id)
    return Assigned(tuple(given), tuple(refused))


def _refusal(row_id: str, error: OverreadError) -> NotAssigned:
    return NotAssigned(row_id, error.code, error.detail)


def _require_reader(session: Session, user_id: str | None) -> None:
    if user_id is None:
        return
    if not _reads_here(session, user_id):
        raise NotFound("nobody of this id reads here")


def _reads_here(session: Session, user_id: str) -> bool:
    user = session.get(User, user_id)
    return user is not None and user.disabled_at is None and Role(user.role) in READERS


def _assign_one(store: Store, asked: Assigning, row_id: str) -> None:
    with unit_of_work(store.database) as session:
        row = session.get(WorklistRow, row_id)
        if row is None:
            raise NotFound("the row has left the list")
        lock_study(session, row.study_id)
        session.refresh(row)
        if row.slot_id is None:
            raise Conflict("no pipeline reads this study, so there is nothing to assign", code="nothing_to_read")
        if row.review_state == ReviewState.SIGNED:
            raise Conflict("the reading is signed", code="signed")
        if not _hand_over(session, row.slot_id, asked):
            return
        subjects = {"slot": row.slot_id, "user": asked.user_id or ""}
        audit.record(session, asked.actor, "reading.assigned", row.study_id, **subjects)
        outbox.emit(session, "study", row.study_id, {"study": row.study_id, "slot": row.slot_id, "assigned": True})
        worklist.project(session, row.study_id)


def _hand_over(session: Session, slot_id: str, asked: Assigning) -> bool:
    """Whether anything changed; raises Conflict where the reading is another's and is not to be taken over.

    Who may not read any more holds nothing back: what was theirs would wait for nobody.
    """
    held = session.get(Assignment, slot_id, populate_existing=True)
    holder = held.user_id if held else None
    if holder == asked.user_id:
        return False
    if held is not None and not asked.take_over and _reads_here(session, held.user_id):
        raise Conflict("another reader has taken this reading", code="assigned_to_another")
    if held is not None:
        session.delete(held)
        session.flush()
    if asked.user_id is not None:
        session.add(Assignment(slot_id=slot_id, user_id=asked.user_id))
    session.flush()
    return True
