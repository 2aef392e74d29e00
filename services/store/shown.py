"""Whom a machine's answer was shown before their own word: rows of the audit.

One a person and slot where it was opened; of lists, which tell of thousands, one for some minutes of looking.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.store import audit
from services.store.blind import has_spoken
from services.store.states import JobRole
from services.store.tables import ApiKey, AuditRow, Result, SecondRead, Slot, User

ACTION: Final = "answer.shown"
#: A person who does not read blind was shown a list, or figures, that tell what machines said.
LISTED: Final = "answers.listed"
#: One row stands for all looks at lists in so many seconds.
LIST_SECONDS: Final = 300.0
#: A person began to read blind.
BLINDED: Final = "user.reads_blind"


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


def is_list_noted(session: Session, actor: str) -> bool:
    """Whether this credential's look at lists is written down already."""
    return audit.was_seen(session, actor, LISTED, None, LIST_SECONDS)


def note_list(session: Session, actor: str, user_id: str) -> None:
    """Write down that a person is shown lists that tell of answers; `actor` is their credential."""
    audit.record_access(session, actor, LISTED, None, LIST_SECONDS, user=user_id)


def may_have_listed(session: Session, user_id: str, slot_id: str) -> bool:
    """Whether a list may have told this person an answer of the slot before it was withheld from them.

    That is so where lists were shown to them after the slot's first answer, and before a rule silenced its line or they
    began to read blind. Which lines they looked at nobody knows, so that all there were count.
    """
    answers = select(func.min(Result.created_at)).where(Result.slot_id == slot_id, Result.role != JobRole.SHADOW)
    answered_at = session.scalar(answers)
    silenced = select(SecondRead.created_at).where(SecondRead.slot_id == slot_id, SecondRead.blinded)
    ends = [moment for moment in (session.scalar(silenced), _blind_since(session, user_id)) if moment is not None]
    looked_at = _last_list(session, user_id, min(ends, default=None))
    if answered_at is None or looked_at is None:
        return False
    return answered_at <= min([looked_at + timedelta(seconds=LIST_SECONDS), *ends])


def _last_list(session: Session, user_id: str, before: datetime | None) -> datetime | None:
    """When lists were last shown to this person, with whatever credential."""
    keys = session.scalars(select(ApiKey.id).where(ApiKey.created_by == f"user:{user_id}"))
    credentials = [f"user:{user_id}", *(f"key:{key_id}" for key_id in keys)]
    looks = select(func.max(AuditRow.created_at)).where(
        AuditRow.actor.in_(credentials), AuditRow.action == LISTED, AuditRow.study_id.is_(None)
    )
    return session.scalar(looks if before is None else looks.where(AuditRow.created_at <= before))


def _blind_since(session: Session, user_id: str) -> datetime | None:
    """Since when this person reads blind first; None where they do not. Few switch, so that their rows are few."""
    if not session.get_one(User, user_id).blind_first:
        return None
    rows = select(AuditRow.subjects, AuditRow.created_at).where(AuditRow.action == BLINDED)
    own = (made for subjects, made in session.execute(rows.order_by(AuditRow.id.desc())) if subjects["user"] == user_id)
    return next(own, None)
