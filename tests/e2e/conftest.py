"""Fixtures of the end-to-end tests: a whole running system on free ports, with a login and an API key."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.settings import Settings
from services.store import users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store, open_store
from services.worker.embedded import System

PASSWORD = "correct horse battery staple"
ENDED = frozenset({"succeeded", "failed", "quarantined", "cancelled"})
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 120.0  # a busy machine, not a slow API


@dataclass(frozen=True)
class Running:
    """A running system as its users see it, and its store for what only a test may look at."""

    system: System
    store: Store
    api_key: str
    user: str
    password: str
    client: httpx.Client

    @property
    def url(self) -> str:
        """The address of the dashboard; the client's requests are relative to its /api/v1."""
        return self.system.url

    def submit(self, photo: Path, patient_id: str, **query: str) -> dict[str, Any]:
        """Send one photograph of a left eye as its own study; the answer's body."""
        answer = self.client.post(
            "/studies",
            params={"laterality": "L", "patient_id": patient_id, **query},
            files={"files": (photo.name, photo.read_bytes(), "image/jpeg")},
        )
        assert answer.status_code == 202, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def ended(self, job_id: str, seconds: float = 150.0) -> dict[str, Any]:
        """The job once it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job: dict[str, Any] = self.client.get(f"/jobs/{job_id}").json()
            if job["state"] in ENDED:
                return job
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"job {job_id} did not end in {seconds} s: {job}")


@contextmanager
def running(data_dir: Path, database_url: str | None = None) -> Iterator[Running]:
    """The real thing for the time of the block: broker, API, scheduler and one worker as processes, shipped models."""
    settings = Settings(
        data_dir=data_dir,
        database_url=database_url,
        port=0,
        lease_seconds=10.0,
        heartbeat_seconds=1.0,
        sweep_seconds=1.0,
        quiet_seconds=1.0,
    )
    with System.start(settings) as started:
        store = open_store(started.settings)
        with unit_of_work(store.database) as session:
            key = users.create_key(session, "tests", Role.ADMIN, "system").key
            users.create_user(session, "reader", PASSWORD, Role.ADMIN)
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"{started.url}/api/v1", headers=headers, timeout=PATIENCE_SECONDS) as client:
            yield Running(started, store, key, "reader", PASSWORD, client)
        store.close()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The whole system over SQLite."""
    with running(tmp_path_factory.mktemp("system")) as started:
        yield started


@pytest.fixture
def system_on_postgresql(tmp_path: Path, empty_postgresql: str) -> Iterator[Running]:
    """The whole system over PostgreSQL."""
    with running(tmp_path / "data", empty_postgresql) as started:
        yield started
