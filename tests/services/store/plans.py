"""How a database would run what the store asks of it: the plans of the very statements, as they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

from services.store.stores import Store

ASKED = ("SELECT", "WITH")


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement and how the database would run it."""

    statement: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """Both, for a failing test."""
        return "\n".join((self.statement, *self.lines))

    def reads_whole(self, table: str) -> bool:
        """Whether it walks the whole table instead of an index."""
        scans = (f"Seq Scan on {table} ", f"SCAN {table} ")
        return any(scan in f"{line} " and "USING" not in line for line in self.lines for scan in scans)

    @property
    def sorts(self) -> bool:
        """Whether rows are sorted, instead of read in an index' order."""
        return any("Sort" in line or "TEMP B-TREE FOR ORDER" in line for line in self.lines)


def plans_of(store: Store, ask: Callable[[], object]) -> list[Plan]:
    """The plans of every question that `ask` has for the database."""
    with watched(store) as plans:
        ask()
    return plans


@contextmanager
def watched(store: Store) -> Iterator[list[Plan]]:
    """The plans of what is asked within the block."""
    plans: list[Plan] = []

    def explain(
        connection: Connection,
        cursor: DBAPICursor,
        statement: str,
        parameters: object,
        context: ExecutionContext,
        executemany: bool,
    ) -> None:
        if statement.lstrip().startswith(ASKED):
            plans.append(Plan(" ".join(statement.split()), _explained(store, connection, statement, parameters)))

    event.listen(store.database.engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(store.database.engine, "before_cursor_execute", explain)


def _explained(store: Store, connection: Connection, statement: str, parameters: object) -> tuple[str, ...]:
    cursor = connection.connection.cursor()
    if store.database.is_sqlite:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        lines = tuple(str(row[-1]) for row in cursor.fetchall())
    else:
        # So small a table is read whole, or sorted, sooner than through any index: what counts is whether there is one.
        for way in ("enable_seqscan", "enable_bitmapscan"):
            cursor.execute(f"SET LOCAL {way} = off")
        cursor.execute(f"EXPLAIN {statement}", parameters)
        lines = tuple(str(row[0]) for row in cursor.fetchall())
    cursor.close()
    return lines
