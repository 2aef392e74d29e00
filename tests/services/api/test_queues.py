"""Queues: seen by everybody, paused and limited by an administrator, and full at some point."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import select

from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import AuditRow
from tests.services.api.conftest import Web
from tests.services.conftest import Desk


def queue_of(client: httpx.Client, name: str = "retinopathy") -> dict[str, object]:
    """One queue as the list shows it."""
    (found,) = [item for item in client.get("/api/v1/queues").json()["items"] if item["name"] == name]
    return found


def test_a_queue_says_how_much_waits_and_since_when(web: Web, desk: Desk) -> None:
    desk.queue()
    desk.queue()
    desk.claim()
    queue = queue_of(web.client(Role.TECHNICIAN))
    assert (queue["queued"], queue["running"], queue["busy"], queue["paused"]) == (1, 1, 1, False)
    assert queue["waiting_since"] is not None


def test_an_administrator_pauses_limits_and_resumes_a_queue_and_the_audit_knows(web: Web, desk: Desk) -> None:
    desk.queue()
    client = web.client(Role.ADMIN)
    assert client.post("/api/v1/queues/retinopathy/pause").json()["paused"] is True
    assert desk.claim() is None
    assert client.post("/api/v1/queues/retinopathy/limit", json={"running_limit": 2}).json()["running_limit"] == 2
    assert client.post("/api/v1/queues/retinopathy/resume").json()["paused"] is False
    assert desk.claim() is not None
    with unit_of_work(web.store.database, writing=False) as session:
        rows = session.scalars(
            select(AuditRow.action).where(AuditRow.action.startswith("queue.")).order_by(AuditRow.id)
        )
        assert rows.all() == ["queue.paused", "queue.limited", "queue.resumed"]


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_only_an_administrator_has_a_hand_on_queues(web: Web, desk: Desk, verb: str) -> None:
    assert web.client(Role.CLINICIAN).post(f"/api/v1/queues/retinopathy/{verb}").status_code == 403


def test_a_queue_that_does_not_exist_is_not_made_by_pausing_it(web: Web, desk: Desk) -> None:
    client = web.client(Role.ADMIN)
    assert client.post("/api/v1/queues/elsewhere/pause").status_code == 404
    assert "elsewhere" not in [item["name"] for item in client.get("/api/v1/queues").json()["items"]]


def test_metrics_say_what_workers_are_scaled_by(web: Web, desk: Desk) -> None:
    desk.queue()
    text = web.client(Role.ADMIN).get("/metrics").text
    assert 'overread_queue_waiting{queue="retinopathy"} 1.0' in text
    assert 'overread_queue_paused{queue="retinopathy"} 0.0' in text
