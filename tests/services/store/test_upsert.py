"""Upserts say what they did, and two writers of one thing make one row."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import func, select

from services.store.ids import new_id
from services.store.received import InstanceOutcome
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Instance, Patient, SearchText, Series, Site, Study, Table
from services.store.upsert import insert_or_keep, insert_or_update
from tests.services.store.world import Sent, receive

WRITERS = 4


def at_once(act: Callable[[int], InstanceOutcome]) -> list[InstanceOutcome]:
    """What `act` returns to several threads that start together."""
    barrier = Barrier(WRITERS)

    def run(number: int) -> InstanceOutcome:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return sorted(pool.map(run, range(WRITERS)))


def count(store: Store, table: type[Table]) -> int | None:
    """How many rows the table has."""
    with unit_of_work(store.database, writing=False) as session:
        return session.scalar(select(func.count()).select_from(table))


def test_an_insert_says_whether_it_was_the_first(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        row = {"id": new_id(), "name": "second"}
        assert insert_or_keep(session, Site, row, conflict=("id",))
        assert not insert_or_keep(session, Site, row, conflict=("id",))


def test_an_insert_with_a_number_of_the_database_says_so_too(each_store: Store) -> None:
    study_id, _ = receive(each_store)
    with unit_of_work(each_store.database) as session:
        assert not insert_or_keep(session, SearchText, {"study_id": study_id, "words": "x"}, conflict=("study_id",))
        insert_or_update(
            session, SearchText, {"study_id": study_id, "words": "y"}, conflict=("study_id",), update=("words",)
        )
        assert session.scalars(select(SearchText.words)).all() == ["y"]


def test_writers_of_the_same_instance_at_once_store_it_once(each_store: Store) -> None:
    outcomes = at_once(lambda _: receive(each_store)[1])
    assert outcomes == [InstanceOutcome.DUPLICATE] * (WRITERS - 1) + [InstanceOutcome.STORED]
    assert [count(each_store, table) for table in (Patient, Study, Series, Instance)] == [1, 1, 1, 1]


def test_writers_of_different_bytes_under_one_uid_at_once_are_all_flagged_but_one(each_store: Store) -> None:
    outcomes = at_once(lambda number: receive(each_store, Sent(f"bytes {number}"))[1])
    assert outcomes == [InstanceOutcome.CONFLICT] * (WRITERS - 1) + [InstanceOutcome.STORED]
    assert count(each_store, Instance) == WRITERS


def test_one_uid_with_different_bytes_in_two_studies_at_once_is_flagged(each_store: Store) -> None:
    outcomes = at_once(lambda number: receive(each_store, Sent(f"bytes {number}", study=f"1.{number}"))[1])
    assert outcomes == [InstanceOutcome.CONFLICT] * (WRITERS - 1) + [InstanceOutcome.STORED]


def test_writers_of_different_images_of_one_study_at_once_share_the_study(each_store: Store) -> None:
    outcomes = at_once(lambda number: receive(each_store, Sent(f"bytes {number}", sop=f"1.2.{number}"))[1])
    assert outcomes == [InstanceOutcome.STORED] * WRITERS
    assert [count(each_store, table) for table in (Patient, Study, Series, Instance)] == [1, 1, 1, WRITERS]
