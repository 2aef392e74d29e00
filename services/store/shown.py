"""Whom a machine's answer was shown before their own word: rows of the audit, one a person and slot."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store import audit
from services.store.blind import has_spoken
from services.store.tables import AuditRow, Slot

ACTION: Final = "answer.shown"


def shown_before(session: Session, slot_ids: Collection[str]) -> frozenset[tuple[str, str]]:
    """Who was shown the answer of which of the slots before a word of their own: (user id, slot id)."""
    if not slot_ids:
        return frozenset()
    studies = select(Slot.study_id).where(Slot.id.in_(sorted(slot_ids))).distinct()
    # By study, which the audit has an index of; whose slot it was stands in the row, and rows of one study are few.
    left = select(AuditRow.subjects).where(AuditRow.study_id.in_(studies), AuditRow.action == ACTION)
    told = {(str(row["user"]), str(row["slot"])) for row in session.scalars(left)}
    return frozenset((user_id, slot_id) for user_id, slot_id in told if slot_id in slot_ids)


def was_shown(session: Session, user_id: str, slot_id: str) -> bool:
    """Whether this person was shown the answer of the slot before a word of their own."""
    return (user_id, slot_id) in shown_before(session, [slot_id])


def new_to(session: Session, user_id: str | None, slot_ids: Collection[str]) -> frozenset[str]:
    """Those of the slots of which this person has neither been shown an answer nor said a word; None is the system."""
    if user_id is None or not slot_ids:
        return frozenset()
    told = {slot_id for reader, slot_id in shown_before(session, slot_ids) if reader == user_id}
    return frozenset(slot_ids) - told - has_spoken(session, user_id, slot_ids)


def note(session: Session, actor: str, user_id: str | None, study_id: str, slot_ids: Collection[str]) -> None:
    """Write down that a person is shown the answers of these slots, once a slot; `actor` is their credential."""
    for slot_id in sorted(new_to(session, user_id, slot_ids)):
        audit.record(session, actor, ACTION, study_id, slot=slot_id, user=str(user_id))
