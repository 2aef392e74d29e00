"""Alarms: what a person must see to. One open row a code, kept with its times when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store import outbox
from services.store.clock import utcnow
from services.store.locks import only_one_of
from services.store.tables import Alarm

DETAIL_CHARACTERS: Final = 1024


class AlarmCode(StrEnum):
    """What is wrong; each is raised and cleared by whoever watches it."""

    STORAGE_LOW = "storage_low"  #: a disk or the quota of stored bytes is nearly full
    STORAGE_FULL = "storage_full"  #: a disk or the quota of stored bytes is full; intake refuses images
    BLOBS_MISSING = "blobs_missing"  #: bytes that rows refer to are not in the store
    BLOBS_DAMAGED = "blobs_damaged"  #: stored bytes are not what their name says
    DRIFT = "drift"  #: what a model in use is given, or says, is not what it was at first


#: The sentence of each code, for those who read no source.
SENTENCES: Final = {
    AlarmCode.STORAGE_LOW: "A disk or the quota of stored bytes is nearly full.",
    AlarmCode.STORAGE_FULL: "A disk or the quota of stored bytes is full; new images are refused until there is room.",
    AlarmCode.BLOBS_MISSING: "Stored files are missing; `overread db check` names them.",
    AlarmCode.BLOBS_DAMAGED: "Stored files are damaged; `overread db check` names them.",
    AlarmCode.DRIFT: "What a model is given, or says, is no longer what it was at first; its page shows since when.",
}


def raise_alarm(session: Session, code: AlarmCode, detail: str) -> bool:
    """Open the alarm, or tell the open one's news; returns whether it was opened.

    `detail` is one sentence with counts and ids, nothing identifying.
    """
    only_one_of(session, "alarm", code)
    said = detail[:DETAIL_CHARACTERS]
    alarm = _open(session, code)
    if alarm is not None:
        alarm.detail = said
        return False
    session.add(Alarm(code=code, detail=said))
    outbox.emit(session, "alarm", None, {"code": code, "open": True})
    return True


def clear_alarm(session: Session, code: AlarmCode) -> bool:
    """The alarm is over; returns whether it was open."""
    if _open(session, code) is None:
        return False
    only_one_of(session, "alarm", code)
    alarm = _open(session, code)
    if alarm is None:
        return False
    alarm.cleared_at = utcnow()
    outbox.emit(session, "alarm", None, {"code": code, "open": False})
    return True


def open_alarms(session: Session) -> Sequence[Alarm]:
    """What is wrong now, the oldest first."""
    return session.scalars(select(Alarm).where(Alarm.cleared_at.is_(None)).order_by(Alarm.id)).all()


def is_open(session: Session, code: AlarmCode) -> bool:
    """Whether this alarm is open."""
    return _open(session, code) is not None


def _open(session: Session, code: AlarmCode) -> Alarm | None:
    query = select(Alarm).where(Alarm.code == code, Alarm.cleared_at.is_(None))
    return session.scalar(query.execution_options(populate_existing=True))
