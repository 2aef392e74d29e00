"""Idempotency keys: who comes first runs, who comes again is answered, and no key is held for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from pipelines.core.errors import KeyReused, OverreadError, StillRunning
from services.store import idempotency
from services.store.clock import seconds_from_now
from services.store.idempotency import KEPT_SECONDS, RUNNING_SECONDS, Kept, OneTime
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import IdempotencyKey

KEY = OneTime("key:1", "POST /studies", "once")
DIGEST, OTHER = "a" * 64, "b" * 64


def begin(store: Store, key: OneTime = KEY, digest: str = DIGEST) -> Kept | None:
    """Claim a key in a transaction of its own."""
    with unit_of_work(store.database) as session:
        return idempotency.begin(session, key, digest)


def keep(store: Store) -> None:
    """Say what was answered."""
    with unit_of_work(store.database) as session:
        idempotency.keep(session, KEY, 201, {"id": 1})


def age(store: Store, seconds: float) -> None:
    """Let the key be so old."""
    with unit_of_work(store.database) as session:
        session.execute(update(IdempotencyKey).values(created_at=seconds_from_now(-seconds)))


def test_the_same_request_is_answered_from_what_was_kept(each_store: Store) -> None:
    assert begin(each_store) is None
    keep(each_store)
    assert begin(each_store) == Kept(201, {"id": 1})


def test_another_request_with_the_key_is_refused(store: Store) -> None:
    begin(store)
    with pytest.raises(KeyReused):
        begin(store, digest=OTHER)


def test_a_request_that_still_runs_is_said_to(store: Store) -> None:
    begin(store)
    with pytest.raises(StillRunning):
        begin(store)


def test_a_key_belongs_to_its_credential_and_route(store: Store) -> None:
    begin(store)
    assert begin(store, OneTime("key:2", KEY.route, KEY.key), OTHER) is None
    assert begin(store, OneTime(KEY.credential, "POST /keys", KEY.key), OTHER) is None


def test_a_request_that_came_to_nothing_frees_its_key(store: Store) -> None:
    begin(store)
    with unit_of_work(store.database) as session:
        idempotency.forget(session, KEY)
    assert begin(store, digest=OTHER) is None


def test_a_key_is_free_after_a_day(each_store: Store) -> None:
    begin(each_store)
    keep(each_store)
    age(each_store, KEPT_SECONDS + 1)
    assert begin(each_store, digest=OTHER) is None


def test_a_request_that_died_with_its_process_does_not_hold_its_key(each_store: Store) -> None:
    begin(each_store)
    age(each_store, RUNNING_SECONDS + 1)
    assert begin(each_store) is None


def test_a_long_request_that_gives_signs_keeps_its_key(each_store: Store) -> None:
    begin(each_store)
    age(each_store, RUNNING_SECONDS - 1)
    with unit_of_work(each_store.database) as session:
        idempotency.renew(session, KEY)
    age(each_store, RUNNING_SECONDS - 1)
    with pytest.raises(StillRunning):
        begin(each_store)


def test_of_many_at_once_one_runs(each_store: Store) -> None:
    def claim(_: int) -> str:
        try:
            return "runs" if begin(each_store) is None else "answered"
        except OverreadError as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(claim, range(6))) == ["idempotency_running"] * 5 + ["runs"]
