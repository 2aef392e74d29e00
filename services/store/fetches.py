"""What a batch fetches from outside: written down once a locator, taken by one fetcher at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from services.store.clock import seconds_from_now, utcnow
from services.store.ids import new_id
from services.store.states import FetchState
from services.store.tables import BatchFetch
from services.store.upsert import insert_missing


@dataclass(frozen=True, slots=True)
class Taken:
    """A fetch that is this fetcher's for a while; `attempts` counts this one."""

    id: str
    locator: str
    attempts: int


def add_fetches(session: Session, batch_id: str, locators: Sequence[str]) -> int:
    """Write down what there is to fetch, each once; returns how many were new."""
    rows = [
        {"id": new_id(), "batch_id": batch_id, "locator": locator, "state": FetchState.WAITING} for locator in locators
    ]
    return insert_missing(session, BatchFetch, rows, conflict=("batch_id", "locator"))


def take_fetch(session: Session, batch_id: str, lease_seconds: float) -> Taken | None:
    """Take the first fetch that is due; it is due again after `lease_seconds`, should this process be killed."""
    row = session.scalar(
        select(BatchFetch)
        .where(
            BatchFetch.batch_id == batch_id,
            BatchFetch.state == FetchState.WAITING,
            or_(BatchFetch.not_before.is_(None), BatchFetch.not_before <= utcnow()),
        )
        .order_by(BatchFetch.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return None
    row.attempts, row.not_before = row.attempts + 1, seconds_from_now(lease_seconds)
    session.flush()
    return Taken(row.id, row.locator, row.attempts)


def end_fetch(session: Session, fetch_id: str, state: FetchState, study_id: str | None, code: str | None) -> None:
    """It is stored, or will never be."""
    _set(session, fetch_id, state=state, study_id=study_id, error_code=code, finished_at=utcnow(), not_before=None)


def renew(session: Session, fetch_id: str, lease_seconds: float) -> None:
    """It goes on: nobody else begins it for as long again."""
    _set(session, fetch_id, not_before=seconds_from_now(lease_seconds))


def put_off(session: Session, fetch_id: str, seconds: float, code: str) -> None:
    """It may be had later."""
    _set(session, fetch_id, not_before=seconds_from_now(seconds), error_code=code)


def give_back(session: Session, fetch_id: str) -> None:
    """It was not tried, through no fault of its own."""
    _set(session, fetch_id, not_before=None, attempts=BatchFetch.attempts - 1)


def _set(session: Session, fetch_id: str, **columns: object) -> None:
    session.execute(update(BatchFetch).where(BatchFetch.id == fetch_id).values(**columns))


def drop_waiting(session: Session, batch_id: str, code: str, limit: int) -> int:
    """Give up to `limit` fetches up that wait still; returns how many."""
    waiting = select(BatchFetch.id).where(BatchFetch.batch_id == batch_id, BatchFetch.state == FetchState.WAITING)
    some = session.scalars(waiting.order_by(BatchFetch.id).limit(limit)).all()
    session.execute(
        update(BatchFetch)
        .where(BatchFetch.id.in_(some))
        .values(state=FetchState.FAILED, error_code=code, finished_at=utcnow(), not_before=None)
        .execution_options(synchronize_session=False)
    )
    return len(some)


def counts(session: Session, batch_id: str) -> dict[FetchState, int]:
    """How many fetches are in each state: read from the index alone."""
    rows = session.execute(
        select(BatchFetch.state, func.count()).where(BatchFetch.batch_id == batch_id).group_by(BatchFetch.state)
    )
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in FetchState}


def failures(session: Session, batch_id: str) -> dict[str, int]:
    """How many fetches failed for each reason, by its code."""
    rows = session.execute(
        select(BatchFetch.error_code, func.count())
        .where(BatchFetch.batch_id == batch_id, BatchFetch.state == FetchState.FAILED)
        .group_by(BatchFetch.error_code)
    )
    return {row[0] or "unknown": row[1] for row in rows}


def has_waiting(session: Session, batch_id: str) -> bool:
    """Whether anything is left to fetch."""
    waiting = select(BatchFetch.id).where(BatchFetch.batch_id == batch_id, BatchFetch.state == FetchState.WAITING)
    return session.scalar(waiting.limit(1)) is not None
