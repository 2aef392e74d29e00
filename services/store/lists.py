"""Rows of a table by id, a page at a time: ids are ULIDs, so their order is the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from services.store.tables import (
    Alarm,
    ApiKey,
    Attempt,
    AuditRow,
    Job,
    ModelEvent,
    ModelVersion,
    OutboxEvent,
    Rejection,
    Result,
    Review,
    User,
)

Row = TypeVar(
    "Row", Alarm, ApiKey, Attempt, AuditRow, Job, ModelEvent, ModelVersion, OutboxEvent, Rejection, Result, Review, User
)


def newest_first(
    session: Session, table: type[Row], before: str | None, limit: int, *where: ColumnElement[bool]
) -> Sequence[Row]:
    """Up to `limit` rows older than the id `before`, newest first."""
    query = select(table).where(*where).order_by(table.id.desc()).limit(limit)
    if before is not None:
        query = query.where(table.id < before)
    return session.scalars(query).all()


def oldest_first(
    session: Session, table: type[Row], after: str | None, limit: int, *where: ColumnElement[bool]
) -> Sequence[Row]:
    """Up to `limit` rows younger than the id `after`, oldest first."""
    query = select(table).where(*where).order_by(table.id).limit(limit)
    if after is not None:
        query = query.where(table.id > after)
    return session.scalars(query).all()
