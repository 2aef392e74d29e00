"""The database and its unit of work: the only place that begins, commits and rolls back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from pipelines.core.errors import DatabaseUnavailable

BUSY_TIMEOUT_MS = 15_000
POOL_SIZE = 10
POOL_OVERFLOW = 20
P = ParamSpec("P")
AFTER_COMMIT = "after_commit"


@dataclass(frozen=True)
class Database:
    """An engine and its session factory."""

    engine: Engine
    sessions: sessionmaker[Session]

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite (else PostgreSQL)."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open a database by SQLAlchemy URL (sqlite:///file or postgresql+psycopg://...); nothing is created."""
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(url, pool_pre_ping=True, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW)
    return Database(engine, sessionmaker(engine, expire_on_commit=False))


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN comes too late for BEGIN IMMEDIATE: take transactions over (see _begin_sqlite).
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: object) -> None:
    # A read-then-write transaction begun DEFERRED fails at once when another writer came between.
    options = connection.get_execution_options()  # type: ignore[attr-defined]
    connection.exec_driver_sql("BEGIN" if options.get("reading") else "BEGIN IMMEDIATE")  # type: ignore[attr-defined]


@contextmanager
def unit_of_work(database: Database, *, writing: bool = True) -> Iterator[Session]:
    """One short transaction: commits at the end, rolls back on any exception, then runs what `after_commit` left.

    `writing=False` takes no write lock on SQLite. Raises DatabaseUnavailable where the database does not answer.
    """
    session = database.sessions()
    try:
        if not writing:
            session.connection(execution_options={"reading": True})
        yield session
        session.commit()
    except OperationalError as error:
        session.rollback()
        raise DatabaseUnavailable from error
    except DBAPIError as error:
        session.rollback()
        if error.connection_invalidated:
            raise DatabaseUnavailable from error
        raise
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
    for callback in session.info.pop(AFTER_COMMIT, []):
        callback()


def after_commit(session: Session, callback: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run `callback` once the transaction is durable; messages leave only this way."""
    session.info.setdefault(AFTER_COMMIT, []).append(partial(callback, *args, **kwargs))
