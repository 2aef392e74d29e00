"""Writing a synthetic archive quickly: staged rows in bulk, then INSERT ... SELECT, on PostgreSQL and on SQLite."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final, Protocol

import psycopg
from psycopg import sql

from services.store.stores import Store

#: Columns of the staged tables, by the name of their type on both databases.
STAGED: Final = {
    "fill_visits": (
        "n integer, stamp text, study_id text, patient_id text, uid text, created_at {time}, ended_at {time},"
        " signed_at {time}, study_date date, description text, accession text, words text, modality text,"
        " pipeline text, sop_class text, images integer, state text, unrouted text, priority integer, version text,"
        " job_state text, answer integer, word integer, urgency_rank integer, age_rank integer, review_state text,"
        " verdict text, reader integer, reread text"
    ),
    "fill_answers": (
        "number integer, pipeline text, version text, outcome text, document text, headline text,"
        " confidence double precision, urgency text, abstained boolean, gradable boolean"
    ),
    "fill_images": "k integer",
    "fill_readers": "number integer, id text",
    "fill_versions": "pipeline text, version text, id text, name text, weights text",
}
MOST_IMAGES: Final = 8
PAGE: Final = 10_000


class Tables(Protocol):
    """One transaction that fills a database."""

    json: str  # the type of a document in a CAST

    def stage(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """Make one of the staged tables and fill it."""

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add rows from here."""

    def run(self, statement: str) -> None:
        """Run one statement."""


class PostgresTables:
    """COPY; secondary indexes are built afterwards, foreign keys checked by no trigger (append-only ones stay)."""

    json = "json"

    def __init__(self, connection: psycopg.Connection[Any]) -> None:  # Any: rows of any shape
        self._connection = connection

    def stage(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """A table of this session alone."""
        columns = STAGED[table].format(time="timestamptz")
        self.run(f"CREATE TEMPORARY TABLE {table} ({columns}) ON COMMIT DROP")
        self.copy(table, [column.split()[0] for column in columns.split(", ")], rows)
        self.run(f"ANALYZE {table}")

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """In PostgreSQL's own bulk format."""
        command = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with self._connection.cursor() as cursor, cursor.copy(command) as copy:
            for row in rows:
                copy.write_row(row)

    def run(self, statement: str) -> None:
        """Run one statement as it is."""
        self._connection.execute(statement.encode())


class SqliteTables:
    """One transaction with the foreign keys checked once, at its end."""

    json = "text"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.create_function("md5", 1, _md5, deterministic=True)

    def stage(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """A table of this connection alone."""
        columns = STAGED[table].format(time="text")
        self.run(f"CREATE TEMPORARY TABLE {table} ({columns})")
        self.copy(table, [column.split()[0] for column in columns.split(", ")], rows)
        key = columns.split()[0]
        self.run(f"CREATE INDEX temp.{table}_key ON {table} ({key})")

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Many rows by one prepared statement."""
        places = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
        self._connection.executemany(statement, ([_stored(value) for value in row] for row in rows))

    def run(self, statement: str) -> None:
        """Run one statement as it is."""
        self._connection.execute(statement)


@contextmanager
def filling(store: Store) -> Iterator[Tables]:
    """One transaction over the whole database; nothing of it stays where it fails."""
    raw = store.database.engine.raw_connection()
    try:
        connection: Any = raw.driver_connection  # Any: the driver's own, of two kinds
        if store.database.is_sqlite:
            yield from _filling_sqlite(connection)
        else:
            yield from _filling_postgresql(connection)
    finally:
        raw.invalidate()  # it carries settings that no other user of the pool may have


def _filling_postgresql(connection: psycopg.Connection[Any]) -> Iterator[Tables]:
    # Any: rows of any shape
    with connection.transaction():
        # As a replica replays: no trigger looks up each foreign key. Append-only triggers are on always.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
        connection.execute("SET LOCAL work_mem = '256MB'")
        connection.execute("SET LOCAL lock_timeout = 0")
        found = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix%'"
        ).fetchall()
        for name, _ in found:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        yield PostgresTables(connection)
        for _, definition in found:
            connection.execute(definition.encode())
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")


def _filling_sqlite(connection: sqlite3.Connection) -> Iterator[Tables]:
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("BEGIN IMMEDIATE")
    tables = SqliteTables(connection)
    try:
        yield tables
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise sqlite3.IntegrityError(f"a row of {broken[0]} refers to none of {broken[2]}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _md5(words: str) -> str:
    return hashlib.md5(words.encode()).hexdigest()


def _stored(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else value
