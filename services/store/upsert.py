"""INSERT ... ON CONFLICT on both databases: two writers of one row never fail, and never make two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.store.tables import Table


def insert_or_keep(session: Session, table: type[Table], values: Mapping[str, Any], conflict: Sequence[str]) -> bool:
    """Insert a row unless one with the same `conflict` columns is there; returns whether it was inserted.

    Any: column values are of the columns' types.
    """
    statement = _insert(session, table).values(**values).on_conflict_do_nothing(index_elements=list(conflict))
    result = session.execute(statement, execution_options={"preserve_rowcount": True})
    return isinstance(result, CursorResult) and result.rowcount == 1


def insert_missing(
    session: Session, table: type[Table], rows: Sequence[Mapping[str, Any]], conflict: Sequence[str]
) -> int:
    """Insert those of the rows whose `conflict` columns are not there yet; returns how many.

    They go in the same order everywhere, or two writers wait for each other. Any: values of the columns' types.
    """
    if not rows:
        return 0
    statement = _insert(session, table).values([dict(row) for row in rows])
    result = session.execute(
        statement.on_conflict_do_nothing(index_elements=list(conflict)), execution_options={"preserve_rowcount": True}
    )
    return result.rowcount if isinstance(result, CursorResult) else 0


def insert_or_update(
    session: Session, table: type[Table], *rows: Mapping[str, Any], conflict: Sequence[str], update: Sequence[str]
) -> None:
    """Insert rows, or set the `update` columns of those that have the same `conflict` columns.

    Several rows go in the same order everywhere, or two writers wait for each other. Any: values of the columns' types.
    """
    statement = _insert(session, table).values([dict(row) for row in rows])
    session.execute(
        statement.on_conflict_do_update(
            index_elements=list(conflict), set_={column: statement.excluded[column] for column in update}
        )
    )


def _insert(session: Session, table: type[Table]) -> postgresql.Insert | sqlite.Insert:
    # The table and not its class: an ORM insert does not say how many rows it made.
    plain = cast("sa.Table", table.__table__)
    return postgresql.insert(plain) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(plain)
