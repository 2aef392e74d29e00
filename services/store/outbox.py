"""Events written in the transaction of their change, numbered after it by one publisher, read in that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.store.locks import Lock, only_writer
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import OutboxEvent

NUMBERING_BATCH = 1000


def emit(session: Session, topic: str, study_id: str | None, payload: Mapping[str, object]) -> None:
    """Leave an event in this transaction; `payload` holds ids and states only.

    Topics: study, job, result, review, model, batch, alarm.
    """
    session.add(OutboxEvent(topic=topic, study_id=study_id, payload=dict(payload)))
    session.flush()


def number_rows(store: Store, limit: int = NUMBERING_BATCH) -> int:
    """Number up to `limit` committed events without a gap; returns how many. One caller at a time gets the lock.

    A reader that has seen number n has seen all before it: numbers are given after the commit, never inside it.
    """
    with unit_of_work(store.database) as session:
        only_writer(session, Lock.OUTBOX)
        last = last_number(session)
        rows = session.scalars(
            select(OutboxEvent).where(OutboxEvent.number.is_(None)).order_by(OutboxEvent.id).limit(limit)
        ).all()
        for number, row in enumerate(rows, start=last + 1):
            row.number = number
        return len(rows)


def last_number(session: Session) -> int:
    """The newest event's number, 0 before the first."""
    return session.scalar(select(func.max(OutboxEvent.number))) or 0


def read_after(session: Session, number: int, limit: int) -> Sequence[OutboxEvent]:
    """Events after `number` (a Last-Event-ID), in order."""
    return session.scalars(
        select(OutboxEvent).where(OutboxEvent.number > number).order_by(OutboxEvent.number).limit(limit)
    ).all()
