"""A worker says that it is there for as long as it is, and goodbye when it goes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from sqlalchemy import delete, select

from services.settings import Settings
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Worker
from services.worker.presence import Presence

PATIENCE_SECONDS = 60.0


@pytest.fixture
def often(settings: Settings) -> Settings:
    """A worker that says so very often."""
    return settings.model_copy(update={"worker_presence_seconds": 0.02})


def known(store: Store) -> Worker | None:
    """The one worker that is known."""
    with unit_of_work(store.database, writing=False) as session:
        return session.scalar(select(Worker))


def wait_for(store: Store, what: Callable[[Worker | None], bool]) -> Worker | None:
    """The one worker, as soon as it is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what(found := known(store)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert what(found)
    return found


def test_a_worker_is_seen_again_and_again_and_leaves_with_a_word(store: Store, often: Settings) -> None:
    with Presence(store, often, "w1", ["retinopathy"], lambda: False):
        first = wait_for(store, lambda row: row is not None)
        assert first is not None
        assert (first.queues, first.left_at) == (["retinopathy"], None)
        wait_for(store, lambda row: row is not None and row.seen_at > first.seen_at)
    left = known(store)
    assert left is not None
    assert left.left_at is not None


def test_a_worker_that_begins_anew_under_its_name_says_no_goodbye(store: Store, often: Settings) -> None:
    with Presence(store, often, "w1", [], lambda: True):
        wait_for(store, lambda row: row is not None)
    here = known(store)
    assert here is not None
    assert here.left_at is None


def test_a_worker_that_was_forgotten_is_known_again(store: Store, often: Settings) -> None:
    with Presence(store, often, "w1", [], lambda: False):
        wait_for(store, lambda row: row is not None)
        with unit_of_work(store.database) as session:
            session.execute(delete(Worker))
        wait_for(store, lambda row: row is not None)
