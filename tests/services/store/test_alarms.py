"""Alarms: one open row a code, told of once, kept when it is over."""

from __future__ import annotations

from sqlalchemy import select

from services.store.alarms import SENTENCES, AlarmCode, clear_alarm, open_alarms, raise_alarm
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Alarm, OutboxEvent


def raised(store: Store, detail: str) -> bool:
    """Raise an alarm in a transaction of its own."""
    with unit_of_work(store.database) as session:
        return raise_alarm(session, AlarmCode.STORAGE_FULL, detail)


def cleared(store: Store) -> bool:
    """Clear it likewise."""
    with unit_of_work(store.database) as session:
        return clear_alarm(session, AlarmCode.STORAGE_FULL)


def details(store: Store) -> list[str]:
    """What the open alarms say."""
    with unit_of_work(store.database, writing=False) as session:
        return [alarm.detail for alarm in open_alarms(session)]


def test_an_alarm_raised_twice_is_one_with_the_newest_detail(each_store: Store) -> None:
    assert [raised(each_store, "one disk"), raised(each_store, "two disks")] == [True, False]
    assert details(each_store) == ["two disks"]


def test_an_alarm_that_is_over_is_kept_and_a_new_one_is_another(each_store: Store) -> None:
    assert not cleared(each_store)
    raised(each_store, "one disk")
    assert cleared(each_store) and details(each_store) == []
    assert raised(each_store, "again")
    with unit_of_work(each_store.database, writing=False) as session:
        assert [alarm.cleared_at is None for alarm in session.scalars(select(Alarm).order_by(Alarm.id))] == [
            False,
            True,
        ]


def test_those_who_listen_are_told_when_it_begins_and_when_it_ends(store: Store) -> None:
    for detail in ("one disk", "two disks"):
        raised(store, detail)
    cleared(store)
    with unit_of_work(store.database, writing=False) as session:
        events = session.scalars(select(OutboxEvent).where(OutboxEvent.topic == "alarm").order_by(OutboxEvent.id)).all()
        assert [event.payload for event in events] == [
            {"code": "storage_full", "open": True},
            {"code": "storage_full", "open": False},
        ]


def test_every_code_has_its_sentence() -> None:
    assert set(SENTENCES) == set(AlarmCode)
