"""The same questions through the real HTTP API: its server in a process of its own, a client with a key."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Final

import httpx

from benchmarks.scale_asks import WORKLIST_MS, Ask
from benchmarks.scale_world import World
from services.settings import Settings
from services.store import users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import open_store

START_SECONDS: Final = 60.0
#: Path of a question; `{study}` is any study, `{number}` any patient's id.
LISTS: Final = (
    ("", WORKLIST_MS),
    ("?review_state=unread", WORKLIST_MS),
    ("?pipeline=segmentation&review_state=unread", WORKLIST_MS),
    ("?modality=MG", WORKLIST_MS),
    ("?job_state=failed", WORKLIST_MS),
)


def asks(client: httpx.Client) -> Sequence[Ask]:
    """What a dashboard asks for."""
    get: Callable[..., Ask] = partial(_get, client)
    return (
        *(get(f"/studies{query}", most) for query, most in LISTS),
        get("/studies/{study}"),
        get("/jobs"),
        get("/jobs?state=failed&state=quarantined"),
        Ask("POST /studies/search", partial(_search, client)),
    )


def _get(client: httpx.Client, path: str, most_ms: float | None = None) -> Ask:
    def ask(world: World) -> object:
        return client.get(path.format(study=world.any_study())).raise_for_status()

    return Ask(f"GET {path}", ask, most_ms)


def _search(client: httpx.Client, world: World) -> object:
    return client.post("/studies/search", json={"text": world.random.choice(world.patient_numbers)}).raise_for_status()


@contextmanager
def served(settings: Settings) -> Iterator[httpx.Client]:
    """A client of an API server on this database, which ends with the block."""
    with closing(open_store(settings)) as store, unit_of_work(store.database) as session:
        key = users.create_key(session, "benchmark", Role.TECHNICIAN, "system").key
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told = {
            "OVERREAD_DATA_DIR": str(settings.data_dir.resolve()),
            "OVERREAD_DATABASE_URL": settings.resolved_database_url,
            "OVERREAD_BROKER_URL": "redis://127.0.0.1:1",  # nobody: what is asked needs no broker
        }
        number = listener.fileno()
        command = [sys.executable, "-m", "services.worker.serve", "api", str(number)]
        server = subprocess.Popen(command, env=os.environ | told, pass_fds=(number,), stdout=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            _wait(url, server)
            headers = {"Authorization": f"Bearer {key}"}
            with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60.0) as client:
                yield client
        finally:
            server.terminate()
            server.wait()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(httpx.TransportError):
            httpx.get(f"{url}/healthz", timeout=START_SECONDS)
            return
        time.sleep(0.1)
    raise TimeoutError("the API did not start")
