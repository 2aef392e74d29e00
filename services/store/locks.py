"""Named locks for work that only some processes may do at a time, held until the end of the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from sqlalchemy import ARRAY, Text, func, literal, select
from sqlalchemy.orm import Session


class Lock(IntEnum):
    """The advisory lock numbers on PostgreSQL; SQLite has a single writer anyway."""

    MIGRATE = 7_100_001  #: changing the schema
    AUDIT_SEAL = 7_100_002  #: chaining audit rows
    OUTBOX = 7_100_003  #: numbering events
    MODELS = 7_100_004  #: registering bundles and saying which is in use


def only_writer(session: Session, lock: Lock) -> None:
    """Wait for the lock; a writing unit of work on SQLite holds the database's own already."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(int(lock))))


def only_one_of(session: Session, kind: str, key: str) -> None:
    """Wait until no other transaction holds the lock of this thing; nothing to wait for on SQLite."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{kind}:{key}", 0))))


def one_of_many(session: Session, kind: str, keys: Sequence[str]) -> None:
    """Wait until nobody holds the locks of these things alone, and keep it so; others may hold them like this too."""
    if keys and session.get_bind().dialect.name == "postgresql":
        named = func.unnest(literal([f"{kind}:{key}" for key in keys], ARRAY(Text))).column_valued("named")
        session.execute(select(func.pg_advisory_xact_lock_shared(func.hashtextextended(named, 0))))


def only_one_now(session: Session, kind: str, key: str) -> bool:
    """Take the lock of this thing alone, without waiting: False where another transaction holds it in any way."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"{kind}:{key}", 0)))))
