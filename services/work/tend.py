"""What the scheduler does for a batch, again and again: plan, follow the clock, feed the workers, see that it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pipelines.core.errors import OverreadError
from services.log import logger
from services.settings import Settings
from services.store import audit, batch_jobs, batches, fetches
from services.store.alarms import AlarmCode, is_open
from services.store.clock import utcnow
from services.store.session import after_commit, unit_of_work
from services.store.states import BatchState
from services.store.stored_query import page_of_studies
from services.store.stores import Store
from services.store.studies import lock_study
from services.store.tables import Batch, Job
from services.work.asked import QueryAsked
from services.work.bell import Rings
from services.work.release import release, settle
from services.work.reprocess import STORED, cancel_jobs, target_of_batch
from services.work.summary import keep_summary
from services.work.window import Budget, Night, Spent, read_budget, read_window

log = logger("scheduler")
SYSTEM: Final = "system"
#: Studies that one transaction of planning looks at.
PAGE: Final = 200
#: Pages that are planned before other batches have their turn.
PAGES: Final = 20
#: Items, or fetches, that one transaction ends.
GROUP: Final = 500
OUTSIDE: Final = "outside its window"
SPENT: Final = "tonight's budget is spent"
FULL: Final = "there is no room for results"
#: Why items and fetches of a cancelled batch ended.
CANCELLED: Final = "batch_cancelled"


def tend_all(store: Store, bell: Rings, settings: Settings) -> None:
    """Do for every batch what is to be done now; one that cannot go on becomes FAILED and stops no other.

    Harmless to run in several processes at once, and to be killed anywhere. Raises DatabaseUnavailable.
    """
    with unit_of_work(store.database, writing=False) as session:
        moment = session.scalars(select(utcnow())).one()
        waiting, cut = batches.to_tend(session), batches.to_clear(session)
    for batch_id in waiting:
        try:
            tend(store, bell, settings, batch_id, moment)
        except OverreadError as error:
            if error.retry:
                raise
            fail(store, batch_id, error)
        except SQLAlchemyError:
            log.exception("batch.not_tended", batch=batch_id)
    for batch_id in cut:
        clear(store, batch_id)


def tend(store: Store, bell: Rings, settings: Settings, batch_id: str, moment: datetime) -> None:
    """Plan a batch, follow the clock, feed the workers, and finish it; `moment` is now by the database's clock."""
    plan(store, batch_id)
    left = follow_clock(store, batch_id, moment)
    while left != 0:
        released = release(store, bell, batch_id, settings.batch_ahead, left)
        left = None if left is None else left - released.to_read
        if released.items == 0:
            break
    settle_overlooked(store, batch_id)
    finish(store, batch_id)


def plan(store: Store, batch_id: str) -> None:
    """Find the next studies of a batch that reads stored ones; looks before it asks for the write lock."""
    with unit_of_work(store.database, writing=False) as session:
        batch = batches.get_batch(session, batch_id)
        if batch.planned_at is not None or batch.source["kind"] != STORED:
            return
    for _ in range(PAGES):
        if not plan_page(store, batch_id):
            return


def plan_page(store: Store, batch_id: str) -> bool:
    """Make the items of the next page of stored studies; whether there are more. A batch from outside has none."""
    with unit_of_work(store.database) as session:
        batch = batches.tended(session, batch_id)
        if batch is None or batch.planned_at is not None or batch.source["kind"] != STORED:
            return False
        query = QueryAsked.model_validate(batch.query).query
        target = target_of_batch(session, batch)
        page = page_of_studies(session, target, query, batch.checkpoint, PAGE)
        batches.add_items(session, batch_id, page.candidates)
        if page.last is None:
            batch.planned_at = utcnow()
        else:
            batch.checkpoint = page.last
        return page.last is not None


@dataclass(frozen=True, slots=True)
class Due:
    """What the clock asks of a batch: its state and why, whether its jobs may be read, how many more may be made."""

    state: BatchState
    reason: str | None
    may_read: bool
    left: int | None
    day: str | None


def follow_clock(store: Store, batch_id: str, moment: datetime) -> int | None:
    """Bring a batch into the state that its window and budget ask for; how many items may be released now.

    None: as many as workers take. Leaving the window, or its hours of reading used up, holds the jobs that wait. Looks
    before it asks for the write lock, since it looks often.
    """
    with unit_of_work(store.database, writing=False) as session:
        batch = batches.get_batch(session, batch_id)
        due = due_now(session, batch, moment)
        if due is None or _stands(batch, due):
            return due.left if due else 0
    with unit_of_work(store.database) as session:
        tended = batches.tended(session, batch_id)
        due = due_now(session, tended, moment) if tended else None
        if tended is None or due is None:
            return 0
        _bring(session, tended, due)
        return due.left


def due_now(session: Session, batch: Batch, moment: datetime) -> Due | None:
    """What the clock asks of a batch; None while its studies are still being found, or where it has stopped."""
    if batch.state not in batches.TENDED or (batch.planned_at is None and batch.source["kind"] == STORED):
        return None
    budget = read_budget(batch.budget)
    night = read_window(batch.window).now(moment)
    if night is None:
        return Due(BatchState.WAITING, OUTSIDE, may_read=False, left=0, day=batch.night)
    if is_open(session, AlarmCode.STORAGE_FULL):
        return Due(BatchState.WAITING, FULL, may_read=False, left=0, day=batch.night)
    spent = spent_in(session, batch, night, budget)
    left, day = budget.left(spent), night.day.isoformat()
    if left == 0:
        return Due(BatchState.WAITING, SPENT, may_read=not budget.hours_spent(spent), left=0, day=day)
    return Due(BatchState.RUNNING, None, may_read=True, left=left, day=day)


def spent_in(session: Session, batch: Batch, night: Night, budget: Budget) -> Spent:
    """What the night has cost the batch so far; seconds are looked up only where they are limited."""
    items = batch.night_items if batch.night == night.day.isoformat() else 0
    if budget.hours is None:
        return Spent(items)
    return Spent(items, batches.read_since(session, batch.id, night.opens).seconds)


def _stands(batch: Batch, due: Due) -> bool:
    return (batch.state, batch.reason, batch.night) == (due.state, due.reason, due.day)


def _bring(session: Session, batch: Batch, due: Due) -> None:
    if batch.night != due.day:
        batch.night, batch.night_items = due.day, 0
    if due.may_read:
        batch_jobs.release_batch(session, batch.id)
    else:
        batch_jobs.hold_batch(session, batch.id)
    batches.set_state(session, batch, due.state, due.reason)


def settle_overlooked(store: Store, batch_id: str) -> None:
    """End items whose jobs ended without a word to them: nothing waits for ever, whatever was missed."""
    with unit_of_work(store.database, writing=False) as session:
        ended = batches.overlooked(session, batch_id, GROUP)
    for one in ended:
        with unit_of_work(store.database) as session:
            lock_study(session, one.study_id)
            settle(session, session.get_one(Job, one.job_id))


def finish(store: Store, batch_id: str) -> None:
    """Say that a batch is done: all was found and fetched, and every item has ended."""
    with unit_of_work(store.database, writing=False) as session:
        if not _is_done(session, batches.get_batch(session, batch_id)):
            return
    with unit_of_work(store.database) as session:
        batch = batches.tended(session, batch_id)
        if batch is not None and _is_done(session, batch):
            batches.set_state(session, batch, BatchState.FINISHED)
            audit.record(session, SYSTEM, "batch.finished", batch=batch_id)
            after_commit(session, keep_summary, store, batch_id)
    keep_summary(store, batch_id)  # where this is missed, whoever asks gets one made anew


def _is_done(session: Session, batch: Batch) -> bool:
    return (
        batch.planned_at is not None
        and not any(batches.count_items(session, batch.id, state, 1) for state in batches.OPEN_ITEMS)
        and not fetches.has_waiting(session, batch.id)
    )


def fail(store: Store, batch_id: str, error: OverreadError) -> None:
    """End a batch that cannot go on, with the reason; results stay, what is open is cleared away."""
    with unit_of_work(store.database) as session:
        batch = batches.tended(session, batch_id)
        if batch is None:
            return
        batches.set_state(session, batch, BatchState.FAILED, error.sentence)
        audit.record(session, SYSTEM, "batch.failed", batch=batch_id, code=error.code)
    log.warning("batch.failed", batch=batch_id, code=error.code)


def clear(store: Store, batch_id: str) -> None:
    """End what a cancelled or failed batch has open, some in each transaction; jobs that a study waits for go on."""
    cancel_jobs(store, batch_id)
    while _clear_group(store, batch_id):
        pass


def _clear_group(store: Store, batch_id: str) -> bool:
    with unit_of_work(store.database) as session:
        batch = batches.lock_batch(session, batch_id)
        ended = sum(batches.skip_items(session, batch_id, state, CANCELLED, GROUP) for state in batches.OPEN_ITEMS)
        ended += fetches.drop_waiting(session, batch_id, CANCELLED, GROUP)
        if ended == 0 and batch.finished_at is None:
            batch.finished_at = utcnow()
        return ended > 0
