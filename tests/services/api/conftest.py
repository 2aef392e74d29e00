"""Fixtures of the API's tests: the real application behind a real socket, people of each role, and read studies."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
import pytest
import uvicorn
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from pipelines.core.types import Reading
from pipelines.exporters.json import reading_json
from services.api.app import app, create_app
from services.settings import Settings
from services.store import results, users
from services.store.ids import new_id
from services.store.results import StoredArtifact
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store
from services.store.tables import User
from tests.services.conftest import Desk, reading

PASSWORD = "correct horse battery"
START_SECONDS = 90
TICK_SECONDS = 0.005
GOODBYE_SECONDS = 1.0
PATIENCE_SECONDS = 60  # a busy machine, not a slow API


@cache
def password_hash() -> str:
    """A cheap hash of PASSWORD, made once: argon2 is slow on purpose."""
    return PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),)).hash(PASSWORD)


@dataclass
class Web:
    """A running API: clients by role, and what is behind it."""

    url: str
    store: Store
    settings: Settings
    clients: list[httpx.Client] = field(default_factory=list)

    def user(self, role: Role, name: str) -> str:
        """A new user with PASSWORD; returns the id."""
        with unit_of_work(self.store.database) as session:
            user = User(id=new_id(), name=name, password_hash=password_hash(), role=role)
            session.add(user)
            return user.id

    def key(self, role: Role, made_by: str = "system") -> str:
        """A new API key's secret."""
        with unit_of_work(self.store.database) as session:
            return users.create_key(session, f"{role.value} key", role, made_by).key

    def client(self, role: Role | None = None, name: str = "") -> httpx.Client:
        """A client with the key of a new user of this role; without a role it has no credential."""
        if role is None:
            return self._client({})
        user_id = self.user(role, name or f"{role.value} {len(self.clients)}")
        return self._client({"Authorization": f"Bearer {self.key(role, f'user:{user_id}')}"})

    def browser(self, name: str) -> httpx.Client:
        """A client that has logged in as the user of this name."""
        client = self._client({})
        answer = client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return client

    def _client(self, headers: dict[str, str]) -> httpx.Client:
        # No certificates: loading them takes long, and nothing here is encrypted.
        client = httpx.Client(base_url=self.url, headers=headers, verify=False, timeout=PATIENCE_SECONDS)
        self.clients.append(client)
        return client


class QuickServer(uvicorn.Server):
    """uvicorn looks ten times a second whether it should end, and then waits: 0.2 s, for every test of the API."""

    async def main_loop(self) -> None:
        """Serve until asked to end."""
        await self.on_tick(0)  # sets the headers that every answer has
        while not self.should_exit:
            await asyncio.sleep(TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it: no new connections, a moment for the open ones, then cut what still runs."""
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        end = time.monotonic() + GOODBYE_SECONDS
        while (self.server_state.connections or self.server_state.tasks) and time.monotonic() < end:
            await asyncio.sleep(TICK_SECONDS)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@pytest.fixture(autouse=True)
def one_child_of_each_kind(one_decoder: None, one_report_process: None) -> None:
    """Starting a child takes longer than most of these tests."""


@pytest.fixture
def web(settings: Settings, store: Store) -> Iterator[Web]:
    """The application, served on a free port."""
    yield from serve(settings, store)


def serve(settings: Settings, store: Store) -> Iterator[Web]:
    """The application of these settings, served on a free port until the generator is closed."""
    application = create_app(settings)
    # FastAPI works the same routes out anew for every application, at its first request: a tenth of a second a test.
    application.router.routes[:] = app.router.routes
    config = uvicorn.Config(application, port=0, log_config=None, access_log=False, lifespan="on")
    server = QuickServer(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = threading.Event()
    for _ in range(START_SECONDS * 100):
        if server.started or not thread.is_alive():
            break
        deadline.wait(0.01)
    assert server.started, "the API did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    web = Web(f"http://127.0.0.1:{port}", store, settings)
    try:
        yield web
    finally:
        for client in web.clients:
            client.close()
        server.should_exit = True
        thread.join()


@dataclass(frozen=True)
class Read:
    """A study that a pipeline has read."""

    study_id: str
    job_id: str
    result_id: str
    slot_id: str


@dataclass
class Reader:
    """Answers queued jobs as a worker would."""

    desk: Desk
    folder: Path

    def read(self, study: str = "", answer: Reading | None = None) -> Read:
        """Queue a job on a study and save a reading as its result."""
        self.desk.queue(study=study)
        return self.answer_next(answer)

    def answer_next(self, answer: Reading | None = None) -> Read:
        """Save a reading as the result of the job that is due."""
        claim = self.desk.claim()
        assert claim is not None
        said, blobs = answer or reading(), self.desk.store.blobs
        artifacts = [
            StoredArtifact(one.name, one.kind, blobs.publish_bytes(one.content, one.media_type, scratch=self.folder))
            for one in said.artifacts
        ]
        with unit_of_work(self.desk.store.database) as session:
            result_id = results.save_result(session, blobs, claim, said, reading_json(said), artifacts)
        return Read(claim.study_id, claim.job_id, result_id, claim.slot_id)


@pytest.fixture
def reader(desk: Desk, tmp_path: Path) -> Reader:
    """A reader of queued jobs."""
    return Reader(desk, tmp_path / "artifacts")
