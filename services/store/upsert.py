"""INSERT ... ON CONFLICT on both databases: two writers of one row never fail, and never make two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.store.tables import Table


def insert_or_keep(session: Session, table: type[Table], values: Mapping[str, Any], conflict: Sequence[str]) -> bool:
    """Insert a row unless one with the same `conflict` columns is there; returns whether it was inserted.

    Any: column values are of the columns' types.
    """
    statement = _insert(session, table).values(**values).on_conflict_do_nothing(index_elements=list(conflict))
    return _count(session.execute(statement)) == 1


def insert_or_update(
    session: Session, table: type[Table], values: Mapping[str, Any], conflict: Sequence[str], update: Sequence[str]
) -> None:
    """Insert a row, or set the `update` columns of the one that has the same `conflict` columns."""
    statement = _insert(session, table).values(**values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=list(conflict), set_={column: statement.excluded[column] for column in update}
        )
    )


def _insert(session: Session, table: type[Table]) -> postgresql.Insert | sqlite.Insert:
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def _count(result: object) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0
