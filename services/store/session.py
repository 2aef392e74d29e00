"""The database and its unit of work: the only place that begins, commits and rolls back."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, ParamSpec

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from pipelines.core.errors import BadRequest, DatabaseUnavailable, OverreadError, StorageFull

BUSY_SECONDS: Final = 15.0
_WAL_PAUSE_SECONDS: Final = 0.02
_PEN_PAUSE_SECONDS: Final = 0.002
POOL_SIZE = 10
POOL_OVERFLOW = 20
POOL_TIMEOUT_SECONDS = 15.0
CONNECT_TIMEOUT_SECONDS = 5
P = ParamSpec("P")
BEFORE_COMMIT = "before_commit"
AFTER_COMMIT = "after_commit"
READING = "overread_reading"

#: https://www.sqlite.org/rescode.html: the file cannot be had at the moment; anything else is a fault of ours.
SQLITE_AWAY: Final = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL}
)
SQLITE_PRIMARY_CODE = 0xFF  # the low byte of an extended result code
#: https://www.postgresql.org/docs/current/errcodes-appendix.html: classes that pass by themselves.
POSTGRESQL_AWAY: Final = ("08", "40", "53", "55", "57")
POSTGRESQL_DISK_FULL = "53100"


@dataclass(frozen=True)
class Database:
    """An engine and its session factory."""

    engine: Engine
    sessions: sessionmaker[Session]
    writers: set[int] = field(default_factory=set, compare=False)  # threads inside a writing unit of work

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite (else PostgreSQL)."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close all connections: those at rest now, those that are still in use as soon as they come back.

        A request outlives its application by a moment; what it gave back to a pool that nobody asks again stayed open.
        """
        event.listen(self.engine, "checkin", _close_at_once)
        self.engine.dispose()


def _close_at_once(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.close()


def open_database(url: str, busy_seconds: float = BUSY_SECONDS) -> Database:
    """Open a database by SQLAlchemy URL (sqlite:///file or postgresql+psycopg://...); nothing is created.

    Who waits longer than `busy_seconds` for a lock that somebody else holds gets DatabaseUnavailable.
    """
    pool = {"pool_size": POOL_SIZE, "max_overflow": POOL_OVERFLOW, "pool_timeout": POOL_TIMEOUT_SECONDS}
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": busy_seconds}, **pool)
        event.listen(engine, "connect", partial(_prepare_sqlite, busy_seconds))
        event.listen(engine, "begin", partial(_begin_sqlite, busy_seconds))
    else:
        waiting = {
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": f"-c lock_timeout={round(busy_seconds * 1000)}",
        }
        engine = create_engine(url, pool_pre_ping=True, connect_args=waiting, **pool)
        event.listen(engine, "begin", _begin_postgresql)
    return Database(engine, sessionmaker(engine, expire_on_commit=False))


def _prepare_sqlite(busy_seconds: float, connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN comes too late for BEGIN IMMEDIATE: take transactions over (see _begin_sqlite).
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={round(busy_seconds * 1000)}")
    _switch_to_wal(cursor, busy_seconds)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _switch_to_wal(cursor: DBAPICursor, busy_seconds: float) -> None:
    """Write ahead of the database; two processes that switch a new file at once fail at once, busy timeout or not."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & SQLITE_PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return


def _begin_sqlite(busy_seconds: float, connection: Connection) -> None:
    # A read-then-write transaction begun DEFERRED fails at once when another writer came between, so units that may
    # write take the lock first. Units that said they only read are held to it, as on PostgreSQL.
    reading = bool(connection.get_execution_options().get(READING))
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
    if reading:
        connection.exec_driver_sql("BEGIN")
    else:
        _take_the_pen(connection, busy_seconds)


def _take_the_pen(connection: Connection, busy_seconds: float) -> None:
    """Become SQLite's one writer, asking every few milliseconds for as long as `busy_seconds`.

    SQLite's own waiting sleeps up to 100 ms a time while others come and go: of four writers the unluckiest waited a
    second, and the file took a fifth fewer commits.
    """
    driver: Any = connection.connection.driver_connection  # Any: the driver's own connection
    deadline = time.monotonic() + busy_seconds
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while not _begun(driver) and time.monotonic() < deadline:
            time.sleep(_PEN_PAUSE_SECONDS)
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, for its error in SQLAlchemy's words
    finally:
        driver.execute(f"PRAGMA busy_timeout={round(busy_seconds * 1000)}")


def _begun(driver: sqlite3.Connection) -> bool:
    """Whether there is no use in waiting: the lock is ours, or it is something else that fails."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & SQLITE_PRIMARY_CODE != sqlite3.SQLITE_BUSY
    return True


def _begin_postgresql(connection: Connection) -> None:
    # Of all the statements of a reading unit the first takes the snapshot, so that a page and its counts agree.
    if connection.get_execution_options().get(READING):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


@contextmanager
def unit_of_work(database: Database, *, writing: bool = True) -> Iterator[Session]:
    """One short transaction: runs what `before_commit` left, commits, then runs what `after_commit` left.

    Any exception rolls back. `writing=False` sees one moment, takes no write lock and refuses writes. Raises
    DatabaseUnavailable where the database does not answer, StorageFull where its disk is full, RuntimeError for a
    writing unit inside another.
    """
    with database.sessions() as session, _alone(database, writing), outages():
        session.connection(execution_options={READING: not writing})
        yield session
        for _, callback in sorted(session.info.pop(BEFORE_COMMIT, {}).items()):
            callback()
        session.commit()
    for callback in session.info.pop(AFTER_COMMIT, []):
        callback()


def before_commit(session: Session, key: str, callback: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run `callback` as the transaction's last step, once for a key, keys in their order.

    For summaries of what the transaction did: made once however often it changed something, and with locks that are
    taken last and in the same order everywhere, so that two transactions never wait for each other.
    """
    session.info.setdefault(BEFORE_COMMIT, {})[key] = partial(callback, *args, **kwargs)


def after_commit(session: Session, callback: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run `callback` once the transaction is durable; messages leave only this way."""
    session.info.setdefault(AFTER_COMMIT, []).append(partial(callback, *args, **kwargs))


@contextmanager
def _alone(database: Database, writing: bool) -> Iterator[None]:
    # Inside another the inner unit would wait for the outer one's lock, and the outer one for it: say so at once.
    thread = threading.get_ident()
    if not writing:
        yield
        return
    if thread in database.writers:
        raise RuntimeError("a writing unit of work was begun inside another")
    database.writers.add(thread)
    try:
        yield
    finally:
        database.writers.discard(thread)


@contextmanager
def outages() -> Iterator[None]:
    """Raise DatabaseUnavailable or StorageFull for a state of the database; a mistake of ours passes as it is.

    Raises BadRequest (`bad_value`) for what a sender gave and no column can hold: a character NUL, a text that is too
    long (PostgreSQL), a number past 64 bits (SQLite).
    """
    try:
        yield
    except (DataError, OverflowError) as error:
        raise BadRequest(
            "a value is too long, too large or of characters that cannot be stored", code="bad_value"
        ) from error
    except (DBAPIError, PoolTimeout) as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise reason from error


def _reason(error: DBAPIError | PoolTimeout) -> OverreadError | None:
    """Why the database does not answer, or None where it did and we asked something wrong."""
    if isinstance(error, PoolTimeout) or error.connection_invalidated:
        return DatabaseUnavailable()
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & SQLITE_PRIMARY_CODE
        if code == sqlite3.SQLITE_FULL:
            return StorageFull("the database's disk is full; nothing was stored")
        return DatabaseUnavailable() if code in SQLITE_AWAY else None
    state = getattr(cause, "sqlstate", None)
    if state == POSTGRESQL_DISK_FULL:
        return StorageFull("the database's disk is full; nothing was stored")
    if state is None:
        return DatabaseUnavailable() if type(error).__name__ == "OperationalError" else None
    return DatabaseUnavailable() if state.startswith(POSTGRESQL_AWAY) else None
