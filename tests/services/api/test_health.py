"""Alive, ready, and what Prometheus is told."""

from __future__ import annotations

from services.settings import Settings
from services.store.states import Role
from services.store.stores import Store
from tests.services.api.conftest import Web, serve
from tests.services.conftest import Desk


def test_the_open_pages_need_no_credential(web: Web) -> None:
    client = web.client()
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"ready": True, "database": "ok", "broker": "none", "disk": "ok", "alarms": []},
    )


def test_a_database_that_is_away_is_said_and_answers_503(settings: Settings, store: Store) -> None:
    lost = settings.model_copy(update={"database_url": f"sqlite:///{settings.data_dir}/no/such/folder/x.sqlite3"})
    for web in serve(lost, store):
        client = web.client()
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"], ready.json()["database"]) == (503, False, "away")
        answer = client.get("/api/v1/me", headers={"Authorization": "Bearer ovr_x"})
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert int(answer.headers["retry-after"]) > 0


def test_a_nearly_full_disk_is_not_ready(settings: Settings, store: Store) -> None:
    full = settings.model_copy(update={"disk_reserve_bytes": 2**60})
    for web in serve(full, store):
        answer = web.client().get("/readyz")
        assert (answer.status_code, answer.json()["disk"]) == (503, "full")


def test_a_broker_that_is_away_is_said_and_work_goes_on(settings: Settings, store: Store) -> None:
    lonely = settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    for web in serve(lonely, store):
        answer = web.client().get("/readyz")
        assert (answer.status_code, answer.json()["broker"]) == (200, "away")


def test_metrics_name_routes_by_template_and_jobs_by_state(web: Web, desk: Desk) -> None:
    job_id, client = desk.queue(), web.client(Role.TECHNICIAN)
    client.get(f"/api/v1/jobs/{job_id}")
    client.get("/nowhere/P-7781")
    text = client.get("/metrics").text
    assert 'overread_requests_total{method="GET",route="/api/v1/jobs/{job_id}",status="200"} 1.0' in text
    assert 'route="unmatched",status="404"' in text
    assert 'overread_jobs{queue="retinopathy",state="queued"} 1.0' in text
    assert job_id not in text and "7781" not in text


def test_metrics_need_a_key_unless_the_network_is_ones_own(settings: Settings, store: Store) -> None:
    for web in serve(settings, store):
        assert web.client().get("/metrics").status_code == 401
    for web in serve(settings.model_copy(update={"metrics_open": True}), store):
        assert web.client().get("/metrics").status_code == 200
