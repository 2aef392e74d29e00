"""The database's clock: times are UTC and set by the database, never by the machine that happens to ask."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement, FunctionElement
from sqlalchemy.types import TypeDecorator

# SQLAlchemy stores SQLite times as text with six digits; strftime's %f has three, so comparison needs the padding.
SQLITE_FORMAT = "%Y-%m-%d %H:%M:%f000"
JULIAN_DAY_OF_1970 = 2440587.5  # the Unix epoch, noon-based days


class UtcDateTime(TypeDecorator[datetime]):
    """A timestamp in UTC: timestamptz on PostgreSQL, sortable text on SQLite; Python sees aware datetimes."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: they would mean something else on another machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone reached the database")
        return value.astimezone(UTC) if dialect.name == "postgresql" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware, always UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class utcnow(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The database's present time, of this statement (not of the transaction's begin)."""

    type = UtcDateTime()
    inherit_cache = True


class seconds_from_now(FunctionElement[datetime]):  # noqa: N801
    """The database's present time plus a number of seconds (negative: ago)."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, seconds: float | ColumnElement[float]) -> None:
        """`seconds` may be a number or an expression."""
        super().__init__(seconds)


@compiles(utcnow, "sqlite")
def _utcnow_sqlite(element: utcnow, compiler: SQLCompiler, **kw: object) -> str:
    return f"strftime('{SQLITE_FORMAT}', 'now')"


@compiles(utcnow, "postgresql")
def _utcnow_postgresql(element: utcnow, compiler: SQLCompiler, **kw: object) -> str:
    return "clock_timestamp()"


@compiles(seconds_from_now, "sqlite")
def _later_sqlite(element: seconds_from_now, compiler: SQLCompiler, **kw: object) -> str:
    return f"strftime('{SQLITE_FORMAT}', 'now', ({compiler.process(element.clauses)}) || ' seconds')"


@compiles(seconds_from_now, "postgresql")
def _later_postgresql(element: seconds_from_now, compiler: SQLCompiler, **kw: object) -> str:
    return f"(clock_timestamp() + make_interval(secs => ({compiler.process(element.clauses)})::double precision))"


class epoch(FunctionElement[float]):  # noqa: N801
    """A time column as seconds since 1970, so that SQL can add and compare them."""

    type = Float()
    inherit_cache = True


@compiles(epoch, "sqlite")
def _epoch_sqlite(element: epoch, compiler: SQLCompiler, **kw: object) -> str:
    return f"((julianday({compiler.process(element.clauses)}) - {JULIAN_DAY_OF_1970}) * 86400.0)"


@compiles(epoch, "postgresql")
def _epoch_postgresql(element: epoch, compiler: SQLCompiler, **kw: object) -> str:
    return f"(extract(epoch from {compiler.process(element.clauses)})::double precision)"
