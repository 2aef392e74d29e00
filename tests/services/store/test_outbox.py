"""Events: written with their change, numbered after it, read in that order."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pytest

from services.store import outbox
from services.store.session import unit_of_work
from services.store.stores import Store

MANY = 100


def emit(store: Store, count: int) -> None:
    """So many events, one transaction each."""
    for number in range(count):
        with unit_of_work(store.database) as session:
            outbox.emit(session, "job", None, {"n": number})


def read(store: Store, after: int = 0) -> list[tuple[int | None, object]]:
    """The numbers and payloads that a reader sees."""
    with unit_of_work(store.database, writing=False) as session:
        return [(event.number, event.payload["n"]) for event in outbox.read_after(session, after, MANY)]


def in_another_thread(act: Callable[[], object]) -> None:
    """Do what another process would."""
    thread = Thread(target=act)
    thread.start()
    thread.join()


def test_events_are_read_in_the_order_of_their_numbers(each_store: Store) -> None:
    emit(each_store, 3)
    assert read(each_store) == []
    assert outbox.number_rows(each_store) == 3
    assert read(each_store) == [(1, 0), (2, 1), (3, 2)]


def test_a_reader_resumes_behind_the_number_it_saw_last(store: Store) -> None:
    emit(store, 3)
    outbox.number_rows(store)
    assert read(store, after=2) == [(3, 2)]


def test_numbering_goes_on_without_a_gap(store: Store) -> None:
    emit(store, 5)
    assert [outbox.number_rows(store, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert [number for number, _ in read(store)] == [1, 2, 3, 4, 5]


def test_two_publishers_at_once_give_no_number_twice(each_store: Store) -> None:
    emit(each_store, 20)

    def number_some() -> None:
        for _ in range(10):
            outbox.number_rows(each_store, limit=2)

    threads = [Thread(target=number_some) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [number for number, _ in read(each_store)] == list(range(1, 21))


@pytest.mark.postgresql
def test_an_event_committed_late_is_numbered_behind_those_already_read(postgresql_store: Store) -> None:
    store = postgresql_store
    with unit_of_work(store.database) as slow:
        outbox.emit(slow, "job", None, {"n": "late"})
        in_another_thread(lambda: emit(store, 1))
        in_another_thread(lambda: outbox.number_rows(store))
        assert read(store) == [(1, 0)]
    outbox.number_rows(store)
    assert read(store, after=1) == [(2, "late")]


def test_an_event_of_a_failed_change_never_appears(each_store: Store) -> None:
    with pytest.raises(KeyError), unit_of_work(each_store.database) as session:
        outbox.emit(session, "job", None, {"n": 0})
        raise KeyError
    assert outbox.number_rows(each_store) == 0
