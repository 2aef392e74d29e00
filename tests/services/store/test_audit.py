"""The audit trail: written with each change, sealed into a chain, and any tampering found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
import sqlalchemy as sa

from pipelines.core.errors import BadRequest
from services.store import audit
from services.store.audit import Link
from services.store.ids import first_id_at
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import AuditRow, AuditSeal
from tests.services.store.world import receive

FIVE_MINUTES = 300.0


def record_many(store: Store, count: int) -> None:
    """So many rows, in one transaction each."""
    for number in range(count):
        with unit_of_work(store.database) as session:
            audit.record(session, "user:1", "result.opened", result=f"result {number}")


def tamper(store: Store, statement: str) -> None:
    """Change history as somebody with the database's file or its owner's password could."""
    with store.database.engine.begin() as connection:
        for table in ("audit", "audit_seals"):
            if store.database.is_sqlite:
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_refuses_update")
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_refuses_delete")
            else:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        connection.exec_driver_sql(statement)
        if not store.database.is_sqlite:
            for table in ("audit", "audit_seals"):
                connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER ALL")


def row_id(store: Store, number: int) -> str:
    """The id of the audit row under a link."""
    with unit_of_work(store.database, writing=False) as session:
        return session.get_one(AuditSeal, number).audit_id


@pytest.fixture
def sealed(each_store: Store) -> Store:
    """A store with five sealed rows."""
    record_many(each_store, 5)
    assert audit.seal(each_store) == 5
    return each_store


def test_an_untouched_chain_is_intact(sealed: Store) -> None:
    record_many(sealed, 1)
    verdict = audit.verify(sealed)
    assert (verdict.intact, verdict.sealed, verdict.unsealed) == (True, 5, 1)


def test_an_empty_trail_is_intact(store: Store) -> None:
    assert audit.verify(store).intact


def test_a_chain_longer_than_a_page_is_walked_to_its_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "VERIFY_PAGE", 2)
    record_many(store, 5)
    audit.seal(store)
    assert audit.verify(store).sealed == 5
    tamper(store, f"UPDATE audit SET actor = 'user:2' WHERE id = '{row_id(store, 5)}'")
    assert audit.verify(store).broken == "the row of link 5 was changed"


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'user:2'",
        "action = 'x'",
        "study_id = '01'",
        "subjects = '{}'",
        "created_at = '2026-01-01 00:00:00.000000'",
    ],
)
def test_a_changed_row_is_found(store: Store, change: str) -> None:
    record_many(store, 3)
    audit.seal(store)
    tamper(store, f"UPDATE audit SET {change} WHERE id = '{row_id(store, 2)}'")
    assert audit.verify(store).broken == "the row of link 2 was changed"


def test_a_row_cut_out_is_found(sealed: Store) -> None:
    tamper(sealed, "PRAGMA foreign_keys" if sealed.database.is_sqlite else "SELECT 1")
    cut = row_id(sealed, 3)
    tamper(sealed, "DELETE FROM audit_seals WHERE number = 3")
    tamper(sealed, f"DELETE FROM audit WHERE id = '{cut}'")
    assert audit.verify(sealed).broken == "link 3 is missing"


def test_a_row_cut_out_with_the_links_renumbered_is_found(sealed: Store) -> None:
    tamper(sealed, "DELETE FROM audit_seals WHERE number = 3")
    tamper(sealed, "UPDATE audit_seals SET number = 3 WHERE number = 4")
    tamper(sealed, "UPDATE audit_seals SET number = 4 WHERE number = 5")
    assert audit.verify(sealed).broken == "link 3 does not continue the chain"


def test_a_changed_link_is_found(sealed: Store) -> None:
    tamper(sealed, f"UPDATE audit_seals SET hash = '{'0' * 64}' WHERE number = 5")
    assert audit.verify(sealed).broken == "the row of link 5 was changed"


def test_an_end_cut_off_is_found_by_a_link_known_from_before(sealed: Store) -> None:
    with unit_of_work(sealed.database, writing=False) as session:
        known = audit.head(session)
    assert audit.verify(sealed, known).intact
    tamper(sealed, "DELETE FROM audit_seals WHERE number = 5")
    assert audit.verify(sealed).intact
    assert audit.verify(sealed, known).broken == "the chain does not hold the known link 5"


def test_a_chain_written_anew_is_found_by_a_link_known_from_before(sealed: Store) -> None:
    assert audit.verify(sealed, Link(3, "f" * 64)).broken == "the chain does not hold the known link 3"


def test_a_link_is_read_as_it_was_written_down() -> None:
    link = Link(3, "f" * 64)
    assert audit.read_link(str(link)) == link


@pytest.mark.parametrize("words", ["", "3", "3:", ":" + "f" * 64, "x:" + "f" * 64, "3:" + "f" * 63, "³:" + "f" * 64])
def test_anything_else_is_no_link(words: str) -> None:
    with pytest.raises(BadRequest):
        audit.read_link(words)


def test_sealing_from_two_threads_makes_one_chain(each_store: Store) -> None:
    record_many(each_store, 12)

    def seal_some() -> None:
        for _ in range(6):
            audit.seal(each_store, limit=1)

    threads = [Thread(target=seal_some) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = audit.verify(each_store)
    assert (verdict.intact, verdict.sealed, verdict.unsealed) == (True, 12, 0)


def test_a_row_of_a_clock_that_is_far_behind_is_sealed_by_the_thorough_look(sealed: Store) -> None:
    with unit_of_work(sealed.database) as session:
        an_hour_ago = first_id_at(datetime.now(UTC) - timedelta(hours=1))
        session.add(AuditRow(id=an_hour_ago, actor="user:1", action="result.opened", subjects={}))
    assert audit.seal(sealed) == 0
    assert audit.verify(sealed).unsealed == 1
    assert audit.seal_late(sealed) == 1
    verdict = audit.verify(sealed)
    assert (verdict.intact, verdict.sealed, verdict.unsealed) == (True, 6, 0)


def test_looking_at_a_study_leaves_one_row_in_five_minutes(each_store: Store) -> None:
    study_id, _ = receive(each_store)
    with unit_of_work(each_store.database) as session:
        looks = [
            audit.record_access(session, "user:1", "study.opened", study_id, FIVE_MINUTES),
            audit.record_access(session, "user:1", "study.opened", study_id, FIVE_MINUTES),
            audit.record_access(session, "user:2", "study.opened", study_id, FIVE_MINUTES),
            audit.record_access(session, "user:1", "image.opened", study_id, FIVE_MINUTES),
            audit.record_access(session, "user:1", "study.opened", study_id, -1.0),
        ]
        assert looks == [True, False, True, True, True]
        assert session.scalar(sa.select(sa.func.count()).select_from(AuditRow)) == 4


def test_an_audit_row_goes_with_its_change(each_store: Store) -> None:
    with pytest.raises(KeyError), unit_of_work(each_store.database) as session:
        audit.record(session, "user:1", "study.opened")
        raise KeyError
    assert audit.seal(each_store) == 0
