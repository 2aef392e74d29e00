"""Batches over REST: preview, start, progress, pause, resume, cancel; roles, idempotency and refusals."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from services.settings import Settings
from services.store.states import Role
from services.work.tend import tend_all
from tests.services.api.conftest import Web
from tests.services.archives import Archive
from tests.services.conftest import Desk
from tests.services.overnight import grade

ASKED = {"name": "again", "pipeline": "retinopathy", "model_version": "2.0.0"}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """One folder may be named over HTTP."""
    (tmp_path / "export").mkdir()
    return settings.model_copy(update={"archive_folders": str(tmp_path / "export"), "batch_ahead": 2})


@pytest.fixture
def archive(desk: Desk, settings: Settings) -> Archive:
    """Three studies that 1.0.0 has read, and 2.0.0 to read them with."""
    archive = Archive(desk, settings)
    for name in ("one", "two", "three"):
        archive.study(name, grade(1))
    archive.register_new()
    return archive


@pytest.fixture
def admin(web: Web) -> httpx.Client:
    """An administrator."""
    return web.client(Role.ADMIN)


def test_a_preview_counts_and_estimates_and_writes_nothing(archive: Archive, admin: httpx.Client) -> None:
    told = admin.post("/api/v1/batches/preview", json=ASKED | {"budget": {"studies": 2}}).json()
    assert (told["studies"], told["subjects"], told["to_read"], told["already_read"]) == (3, 3, 3, 0)
    assert told["seconds_a_study"] == pytest.approx(0.1)
    assert told["hours"] == pytest.approx(3 * 0.1 / 3600)
    assert (told["expected_nights"], told["counted_share"]) == (2, 1.0)
    assert admin.get("/api/v1/batches").json()["items"] == []


def test_a_batch_is_started_read_and_finished(archive: Archive, admin: httpx.Client, web: Web) -> None:
    answer = admin.post("/api/v1/batches", json=ASKED)
    assert answer.status_code == 201
    path = f"/api/v1/batches/{answer.json()['id']}"
    assert (answer.json()["state"], answer.json()["planned"]) == ("planning", False)
    tend_all(web.store, archive.bell, web.settings)
    going_on = admin.get(path).json()
    assert (going_on["state"], going_on["planned"], going_on["progress"]) == ("running", True, 0.0)
    assert going_on["items"] == {"waiting": 1, "queued": 2, "done": 0, "failed": 0, "skipped": 0}
    assert going_on["expected_at"] is not None
    assert archive.read_all() == 2
    tend_all(web.store, archive.bell, web.settings)
    archive.read_all()
    tend_all(web.store, archive.bell, web.settings)
    ended = admin.get(path).json()
    assert (ended["state"], ended["progress"], ended["items"]["done"]) == ("finished", 1.0, 3)
    changes = admin.get(f"{path}/changes").json()["items"]
    assert [one["headline"] for one in changes] == ["DR grade 1 -> 2, now referable"] * 3


def test_a_window_and_what_tonight_leaves_are_shown(archive: Archive, admin: httpx.Client) -> None:
    window = {"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}
    begun = admin.post("/api/v1/batches", json=ASKED | {"window": window, "budget": {"studies": 5, "hours": 2}}).json()
    assert (begun["window"], begun["budget"]) == (window, {"studies": 5, "hours": 2.0})
    assert (begun["studies_left"], begun["hours_left"]) == (5, 2.0)
    assert begun["next_night"]["opens"] < begun["next_night"]["closes"]


def test_the_same_request_with_one_key_starts_one_batch(archive: Archive, admin: httpx.Client) -> None:
    answers = [
        admin.post("/api/v1/batches", json=ASKED, headers={"Idempotency-Key": "tonight"}).json()["id"] for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert len(admin.get("/api/v1/batches").json()["items"]) == 1


def test_batches_come_in_pages_newest_first(archive: Archive, admin: httpx.Client) -> None:
    begun = [admin.post("/api/v1/batches", json=ASKED).json()["id"] for _ in range(3)]
    first = admin.get("/api/v1/batches", params={"limit": 2}).json()
    second = admin.get("/api/v1/batches", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for page in (first, second) for one in page["items"]] == begun[::-1]
    assert second["next_cursor"] is None


def test_a_batch_is_paused_resumed_and_cancelled(archive: Archive, admin: httpx.Client) -> None:
    path = f"/api/v1/batches/{admin.post('/api/v1/batches', json=ASKED).json()['id']}"
    states = [admin.post(f"{path}/{verb}").json()["state"] for verb in ("pause", "resume", "cancel")]
    assert states == ["paused", "waiting", "cancelled"]
    again = admin.post(f"{path}/pause")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_state")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"pipeline": "palmistry"}, 404, "unknown_pipeline"),
        ({"window": {"from": "22:00", "to": "06:00", "zone": "Mars/Olympus"}}, 400, "bad_window"),
        ({"budget": {"studies": 0}}, 422, "invalid_request"),
        ({"source": {"kind": "folder", "path": "/etc"}}, 403, "folder_not_allowed"),
        ({"query": {"abstained": True}, "source": {"kind": "archive", "archive": "x"}}, 422, "invalid_request"),
        ({"surprise": 1}, 422, "invalid_request"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(
    archive: Archive, admin: httpx.Client, asked: dict[str, object], status: int, code: str
) -> None:
    for path in ("/api/v1/batches", "/api/v1/batches/preview"):
        answer = admin.post(path, json=ASKED | asked)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_folder_that_may_be_named_is_taken(archive: Archive, admin: httpx.Client, tmp_path: Path) -> None:
    answer = admin.post(
        "/api/v1/batches", json=ASKED | {"source": {"kind": "folder", "path": str(tmp_path / "export")}}
    )
    assert (answer.status_code, answer.json()["fetches"]) == (201, {"waiting": 0, "fetched": 0, "failed": 0})


def test_only_administrators_start_and_stop_batches(archive: Archive, admin: httpx.Client, web: Web) -> None:
    path = f"/api/v1/batches/{admin.post('/api/v1/batches', json=ASKED).json()['id']}"
    technician, clinician = web.client(Role.TECHNICIAN), web.client(Role.CLINICIAN)
    assert technician.get(path).status_code == 200
    refused = [clinician.post(one).status_code for one in (f"{path}/pause", f"{path}/resume", f"{path}/cancel")]
    assert refused == [403, 403, 403]
    assert clinician.post("/api/v1/batches", json=ASKED).status_code == 403


def test_an_unknown_batch_is_not_found(admin: httpx.Client) -> None:
    assert admin.get("/api/v1/batches/01JD8Q3Z5V7Y9XK2M4N6P8R0ST").status_code == 404
    assert admin.post("/api/v1/batches/01JD8Q3Z5V7Y9XK2M4N6P8R0ST/cancel").status_code == 404
