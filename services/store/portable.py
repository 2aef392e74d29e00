"""Rows as JSON lines that either database can read back: what a backup is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.store.clock import UtcDateTime
from services.store.tables import BrowserSession, IdempotencyKey, Review, ReviewMask, Table

PAGE_ROWS = 500
#: Rows that must not outlive the system they were made on: nobody is logged in to a restored one.
PASSING: Final = frozenset({BrowserSession.__tablename__, IdempotencyKey.__tablename__})
#: Tables whose rows refer to rows of their own: earlier ones have to be written first.
ORDERS: Final[Mapping[str, tuple[str, ...]]] = {
    table.__tablename__: ("slot_id", "number") for table in (Review, ReviewMask)
}


class Kind(StrEnum):
    """How a column's values are written as JSON."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    DAY = "day"  #: ISO 8601 date
    MOMENT = "moment"  #: ISO 8601 time in UTC
    JSON = "json"


TYPES: Final[Mapping[Kind, sa.types.TypeEngine[Any]]] = {
    Kind.TEXT: sa.String(),
    Kind.INTEGER: sa.BigInteger(),
    Kind.NUMBER: sa.Double(),
    Kind.FLAG: sa.Boolean(),
    Kind.DAY: sa.Date(),
    Kind.MOMENT: UtcDateTime(),
    Kind.JSON: sa.JSON(),
}
# Asked in this order: a Boolean is no Integer here, but a BigInteger is one.
_KINDS: Final[tuple[tuple[type[sa.types.TypeEngine[Any]], Kind], ...]] = (
    (UtcDateTime, Kind.MOMENT),
    (sa.Date, Kind.DAY),
    (sa.JSON, Kind.JSON),
    (sa.Boolean, Kind.FLAG),
    (sa.Integer, Kind.INTEGER),
    (sa.Float, Kind.NUMBER),
    (sa.String, Kind.TEXT),
)


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as a backup wrote it: restoring needs no knowledge of that release's code."""

    name: str
    columns: Mapping[str, Kind]

    def as_table(self) -> sa.TableClause:
        """The table as far as an INSERT has to know it."""
        return sa.table(self.name, *(sa.column(name, TYPES[kind]) for name, kind in self.columns.items()))


def shapes() -> list[TableShape]:
    """All tables worth keeping, each behind those it refers to; numbers a database gives out itself are left out."""
    return [
        TableShape(table.name, {column.name: _kind(column) for column in table.columns if not _given_out(column)})
        for table in Table.metadata.sorted_tables
        if table.name not in PASSING
    ]


def _given_out(column: sa.Column[Any]) -> bool:
    return column is column.table.autoincrement_column and isinstance(column.type, sa.Integer)


def _kind(column: sa.Column[Any]) -> Kind:
    return next(kind for base, kind in _KINDS if isinstance(column.type, base))


def write_rows(session: Session, shape: TableShape, path: Path) -> int:
    """Write a table as JSON lines and return how many; the session's snapshot decides what is seen."""
    table = Table.metadata.tables[shape.name]
    order = ORDERS.get(shape.name, tuple(table.primary_key.columns.keys()))
    query = sa.select(*(table.c[name] for name in shape.columns)).order_by(*(table.c[name] for name in order))
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in session.execute(query, execution_options={"yield_per": PAGE_ROWS}):
            file.write(json.dumps([_written(value) for value in row], ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def read_rows(session: Session, shape: TableShape, path: Path) -> int:
    """Insert the rows of such a file and return how many."""
    table = shape.as_table()
    count = 0
    for page in _pages(path):
        session.execute(sa.insert(table), [_row(shape, values) for values in page])
        count += len(page)
    return count


def _pages(path: Path) -> Iterator[Sequence[Sequence[Any]]]:
    page: list[Sequence[Any]] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            page.append(json.loads(line))
            if len(page) == PAGE_ROWS:
                yield page
                page = []
    if page:
        yield page


def _row(shape: TableShape, values: Sequence[Any]) -> dict[str, Any]:
    return {name: _read(kind, value) for (name, kind), value in zip(shape.columns.items(), values, strict=True)}


def _written(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _read(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind is Kind.MOMENT:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind is Kind.DAY else value
