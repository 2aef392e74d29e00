"""Idempotency keys: the first request with a key runs, the same one again is answered from what was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pipelines.core.errors import KeyReused, StillRunning
from services.store.clock import seconds_from_now, utcnow
from services.store.tables import IdempotencyKey
from services.store.upsert import insert_or_keep

KEPT_SECONDS: Final = 24 * 3600
#: A running request that gave no sign for this long died with its process: the key is free again.
RUNNING_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class OneTime:
    """A key as one credential used it on one route."""

    credential: str
    route: str
    key: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What was answered the first time (Any: JSON)."""

    status: int
    answer: Any


def begin(session: Session, once: OneTime, request_digest: str) -> Kept | None:
    """Claim the key: None where this request is to run, else what was answered. Raises KeyReused, StillRunning."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < seconds_from_now(-KEPT_SECONDS)))
    session.execute(
        delete(IdempotencyKey).where(
            *_row(once), IdempotencyKey.status.is_(None), IdempotencyKey.created_at < seconds_from_now(-RUNNING_SECONDS)
        )
    )
    values = {
        "credential": once.credential,
        "route": once.route,
        "key": once.key,
        "request_digest": request_digest,
        "created_at": utcnow(),
    }
    if insert_or_keep(session, IdempotencyKey, values, conflict=("credential", "route", "key")):
        return None
    row = session.scalars(select(IdempotencyKey).where(*_row(once))).one_or_none()
    if row is None:
        raise StillRunning  # it came to nothing in this very moment: who asks again finds the key free
    if row.request_digest != request_digest:
        raise KeyReused
    if row.status is None:
        raise StillRunning
    return Kept(row.status, row.answer)


def restate(session: Session, once: OneTime, request_digest: str) -> None:
    """Say what the request was, now that its body has been read: a streamed one has no digest when it begins."""
    session.execute(update(IdempotencyKey).where(*_row(once)).values(request_digest=request_digest))


def renew(session: Session, once: OneTime) -> None:
    """Give a sign that the request still runs; one that has ended meanwhile stays as it is."""
    session.execute(
        update(IdempotencyKey).where(*_row(once), IdempotencyKey.status.is_(None)).values(created_at=utcnow())
    )


def keep(session: Session, once: OneTime, status: int, answer: object) -> None:
    """Remember the answer for those who ask again."""
    kept = {"status": status, "answer": answer, "created_at": utcnow()}
    session.execute(update(IdempotencyKey).where(*_row(once)).values(kept))


def forget(session: Session, once: OneTime) -> None:
    """The request came to nothing: the key may be used again."""
    session.execute(delete(IdempotencyKey).where(*_row(once)))


def _row(once: OneTime) -> tuple[Any, ...]:
    # Any: SQLAlchemy's column expressions
    return (
        IdempotencyKey.credential == once.credential,
        IdempotencyKey.route == once.route,
        IdempotencyKey.key == once.key,
    )
