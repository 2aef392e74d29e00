"""Alarms as people and Prometheus see them."""

from __future__ import annotations

from services.store.alarms import AlarmCode, clear_alarm, raise_alarm
from services.store.session import unit_of_work
from services.store.states import Role
from tests.services.api.conftest import Web


def test_an_open_alarm_is_seen_in_the_list_in_readiness_and_in_figures(web: Web) -> None:
    client = web.client(Role.TECHNICIAN)
    assert client.get("/api/v1/alarms").json()["items"] == []
    with unit_of_work(web.store.database) as session:
        raise_alarm(session, AlarmCode.BLOBS_MISSING, "2 of 10 files are missing")
    (alarm,) = client.get("/api/v1/alarms").json()["items"]
    assert (alarm["code"], alarm["detail"], alarm["cleared_at"]) == ("blobs_missing", "2 of 10 files are missing", None)
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["alarms"]) == (200, ["blobs_missing"])
    assert 'overread_alarms{code="blobs_missing"} 1.0' in client.get("/metrics").text


def test_an_alarm_that_is_over_is_listed_only_when_asked_for(web: Web) -> None:
    client = web.client(Role.TECHNICIAN)
    with unit_of_work(web.store.database) as session:
        raise_alarm(session, AlarmCode.STORAGE_LOW, "a disk")
        clear_alarm(session, AlarmCode.STORAGE_LOW)
    assert client.get("/api/v1/alarms").json()["items"] == []
    assert [one["code"] for one in client.get("/api/v1/alarms?open=false").json()["items"]] == ["storage_low"]
