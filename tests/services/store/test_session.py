"""The unit of work, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from pipelines.core.errors import BadRequest, DatabaseUnavailable, StorageFull
from services.store import session as session_module
from services.store.session import Database, after_commit, before_commit, open_database, unit_of_work
from services.store.stores import Store
from services.store.tables import OutboxEvent, Site


def count_sites(database: Database) -> int | None:
    """How many sites a fresh reader sees."""
    with unit_of_work(database, writing=False) as session:
        return session.scalar(select(func.count()).select_from(Site))


def test_a_unit_of_work_commits_at_its_end(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        session.add(Site(name="second"))
    assert count_sites(each_store.database) == 2


def test_an_exception_rolls_the_unit_back(each_store: Store) -> None:
    with pytest.raises(KeyError), unit_of_work(each_store.database) as session:
        session.add(Site(name="second"))
        session.flush()
        raise KeyError
    assert count_sites(each_store.database) == 1


def test_what_is_still_in_use_when_a_database_is_closed_is_closed_when_it_comes_back(each_store: Store) -> None:
    database, closed = each_store.database, []
    event.listen(database.engine, "close", lambda connection, _record: closed.append(connection))
    with unit_of_work(database, writing=False) as session:
        used = session.connection().connection.driver_connection
        database.close()  # as an application does that ends while a request is still at work
        assert used not in closed
    count_sites(database)  # and such a request may have another unit to do
    assert used in closed and len(closed) == 2


def test_messages_leave_after_the_commit_and_only_then(each_store: Store) -> None:
    seen: list[int | None] = []
    with unit_of_work(each_store.database) as session:
        session.add(Site(name="second"))
        after_commit(session, lambda: seen.append(count_sites(each_store.database)))
        assert seen == []
    assert seen == [2]


def test_the_last_step_of_a_unit_is_done_once_a_key_and_in_their_order(each_store: Store) -> None:
    done: list[str] = []
    with unit_of_work(each_store.database) as session:
        for key in ("b", "a", "b"):
            before_commit(session, key, done.append, key)
        session.add(Site(name="second"))
    assert done == ["a", "b"]


def test_a_last_step_that_fails_takes_the_unit_back(each_store: Store) -> None:
    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError), unit_of_work(each_store.database) as session:
        session.add(Site(name="second"))
        before_commit(session, "a", fail)
    assert count_sites(each_store.database) == 1


def test_messages_of_a_failed_unit_never_leave(each_store: Store) -> None:
    seen: list[str] = []
    with pytest.raises(KeyError), unit_of_work(each_store.database) as session:
        after_commit(session, seen.append, "left")
        raise KeyError
    assert seen == []


def test_a_reading_unit_refuses_to_write(each_store: Store) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"), unit_of_work(each_store.database, writing=False) as session:
        session.add(Site(name="second"))
        session.flush()
    with unit_of_work(each_store.database) as session:
        session.add(Site(name="second"))
    assert count_sites(each_store.database) == 2


def test_a_reader_sees_one_moment_and_does_not_wait_for_a_writer(each_store: Store) -> None:
    with unit_of_work(each_store.database, writing=False) as reader:
        before = reader.scalar(select(func.count()).select_from(Site))
        with unit_of_work(each_store.database) as writer:
            writer.add(Site(name="second"))
            writer.flush()
            assert count_sites(each_store.database) == 1
        assert reader.scalar(select(func.count()).select_from(Site)) == before


def test_a_writing_unit_inside_another_is_refused_at_once(each_store: Store) -> None:
    with (
        pytest.raises(RuntimeError, match="inside another"),
        unit_of_work(each_store.database),
        unit_of_work(each_store.database),
    ):
        pass
    with unit_of_work(each_store.database) as session:
        session.add(Site(name="second"))
    assert count_sites(each_store.database) == 2


def test_a_savepoint_takes_back_its_own_part_alone(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        session.add(Site(name="second"))
        session.flush()
        with pytest.raises(IntegrityError), session.begin_nested():
            session.add(Site(name="second"))
    assert count_sites(each_store.database) == 2


def test_read_then_write_from_two_threads_loses_no_update(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        session.execute(text("UPDATE sites SET name = '0'"))

    def add_one() -> None:
        for _ in range(20):
            with unit_of_work(each_store.database) as session:
                site = session.scalars(select(Site).with_for_update()).one()
                site.name = str(int(site.name) + 1)

    threads = [threading.Thread(target=add_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with unit_of_work(each_store.database, writing=False) as session:
        assert session.scalar(select(Site.name)) == "40"


def test_a_mistake_in_a_statement_is_not_called_an_outage(each_store: Store) -> None:
    with pytest.raises(DBAPIError), unit_of_work(each_store.database) as session:
        session.execute(text("SELECT * FROM nothing_of_this_name"))


@pytest.mark.parametrize("number", [2**63, -(2**64)])
def test_a_number_that_no_column_holds_is_a_bad_request(each_store: Store, number: int) -> None:
    with pytest.raises(BadRequest), unit_of_work(each_store.database) as session:
        session.add(OutboxEvent(topic="x", payload={}, number=number))


@pytest.mark.postgresql
@pytest.mark.parametrize("name", ["x" * 65, "a\0b"])
def test_a_text_that_no_column_holds_is_a_bad_request(postgresql_store: Store, name: str) -> None:
    with pytest.raises(BadRequest), unit_of_work(postgresql_store.database) as session:
        session.add(Site(name=name))


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/no/such/folder.sqlite3")
    with pytest.raises(DatabaseUnavailable), unit_of_work(database):
        pass
    database.close()


def test_a_server_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    database = open_database(f"postgresql+psycopg://nobody@/overread?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable), unit_of_work(database):
        pass
    database.close()


@pytest.fixture
def impatient(each_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Another process' view of the store, which has one connection and waits 50 ms for anything."""
    monkeypatch.setattr(session_module, "POOL_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(session_module, "POOL_SIZE", 1)
    monkeypatch.setattr(session_module, "POOL_OVERFLOW", 0)
    database = open_database(each_store.database.engine.url.render_as_string(hide_password=False), busy_seconds=0.05)
    yield database
    database.close()


def test_waiting_too_long_for_a_lock_is_unavailable(each_store: Store, impatient: Database) -> None:
    with unit_of_work(each_store.database) as session:
        session.execute(text("UPDATE sites SET name = 'theirs'"))
        with pytest.raises(DatabaseUnavailable), unit_of_work(impatient) as other:
            other.execute(text("UPDATE sites SET name = 'mine'"))


def test_waiting_too_long_for_a_connection_is_unavailable(impatient: Database) -> None:
    with (
        unit_of_work(impatient, writing=False) as session,
        pytest.raises(DatabaseUnavailable),
        unit_of_work(impatient, writing=False),
    ):
        session.execute(text("SELECT 1"))


def test_a_full_disk_is_storage_full(store: Store) -> None:
    if not store.database.is_sqlite:
        pytest.skip("SQLite alone can be told how large its file may grow")
    with pytest.raises(StorageFull), unit_of_work(store.database) as session:
        session.execute(text("PRAGMA max_page_count=1"))
        session.add_all(Site(name=f"site {number}") for number in range(5000))
        session.flush()
