"""Rows of a table by id, a page at a time: ids are ULIDs, so their order is the order of time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, select, union_all
from sqlalchemy.orm import Session

from services.store.states import JobState
from services.store.tables import (
    Alarm,
    ApiKey,
    Attempt,
    AuditRow,
    Delivery,
    Job,
    ModelEvent,
    ModelVersion,
    OutboxEvent,
    Rejection,
    Result,
    Review,
    Site,
    User,
)

Row = TypeVar(
    "Row",
    Alarm,
    ApiKey,
    Attempt,
    AuditRow,
    Delivery,
    Job,
    ModelEvent,
    ModelVersion,
    OutboxEvent,
    Rejection,
    Result,
    Review,
    Site,
    User,
)


def newest_first(
    session: Session, table: type[Row], before: str | None, limit: int, *where: ColumnElement[bool]
) -> Sequence[Row]:
    """Up to `limit` rows older than the id `before`, newest first."""
    query = select(table).where(*where).order_by(table.id.desc()).limit(limit)
    if before is not None:
        query = query.where(table.id < before)
    return session.scalars(query).all()


def newest_jobs(
    session: Session, states: Collection[JobState], before: str | None, limit: int, *where: ColumnElement[bool]
) -> Sequence[Job]:
    """Up to `limit` jobs in these states (none: in any), older than the id `before`, newest first.

    Each state is asked by itself, in the order of its index: a rare one is found as fast as a common one.
    """
    if not states:
        return newest_first(session, Job, before, limit, *where)
    older = where if before is None else (*where, Job.id < before)
    heads = [
        select(Job.id).where(Job.state == state, *older).order_by(Job.id.desc()).limit(limit).subquery()
        for state in states
    ]
    ids = union_all(*(select(head.c.id) for head in heads))
    return session.scalars(select(Job).where(Job.id.in_(ids)).order_by(Job.id.desc()).limit(limit)).all()


def oldest_first(
    session: Session, table: type[Row], after: str | None, limit: int, *where: ColumnElement[bool]
) -> Sequence[Row]:
    """Up to `limit` rows younger than the id `after`, oldest first."""
    query = select(table).where(*where).order_by(table.id).limit(limit)
    if after is not None:
        query = query.where(table.id > after)
    return session.scalars(query).all()
