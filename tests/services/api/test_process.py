"""The API as a process of its own: what it weighs, what it loads, and what it never writes anywhere."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis
from sqlalchemy import select

from pipelines.core.types import Explanation
from services.settings import Settings
from services.store import users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store
from services.store.tables import AuditRow, OutboxEvent, Patient, Rejection
from services.worker.valkey import Valkey
from tests.conftest import MakesDicom
from tests.services.api.conftest import Reader
from tests.services.conftest import Desk, reading

START_SECONDS = 90.0
MOST_RESIDENT_BYTES = 200 * 1024**2
HEAVY = ("/torch/", "/monai/", "/openvino/", "/cv2/", "/_gdcm/")
#: Parts of what is planted; none may turn up in a log, a metric, an event, an audit row or another user's answer.
PLANTED = ("Plantedname", "PLANTEDID", "1.2.826.7781", "plantedfile", "plantedquery", "plantedlogin", "plantedagent")


@dataclass(frozen=True)
class Process:
    """A running API process and what it wrote."""

    url: str
    pid: int
    log: Path
    key: str

    def client(self) -> httpx.Client:
        """A client with an administrator's key."""
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, verify=False, timeout=START_SECONDS
        )


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    """A broker that nobody takes anything from."""
    valkey = Valkey.fresh(tmp_path / "broker")
    server = subprocess.Popen(valkey.command()[-2:])  # without the leash: this test ends it by itself
    try:
        for _ in range(300):
            if valkey.answers():
                break
            time.sleep(0.05)
        yield valkey
    finally:
        server.terminate()
        server.wait()


def payloads(broker: Valkey) -> list[str]:
    """Every message that waits, its body decoded."""
    with redis.Redis.from_url(broker.url, decode_responses=True) as client:
        lists = [key for key in client.scan_iter() if client.type(key) == "list"]
        waiting = [json.loads(one) for key in lists for one in client.lrange(key, 0, -1)]
    return [f"{message} {base64.b64decode(message['body']).decode()}" for message in waiting]


@pytest.fixture
def process(settings: Settings, store: Store, tmp_path: Path, broker: Valkey) -> Iterator[Process]:
    """The API as `overread up` starts it, on a socket that this test holds."""
    with unit_of_work(store.database) as session:
        key = users.create_key(session, "test", Role.ADMIN, "system").key
    chosen = settings.model_dump(include={"data_dir", "database_url", "models_dir"}, exclude_none=True)
    chosen["broker_url"] = broker.url
    environment = os.environ | {f"OVERREAD_{name.upper()}": str(value) for name, value in chosen.items()}
    log = tmp_path / "api.log"
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as written:
        command = [sys.executable, "-m", "services.worker.serve", "api", str(listening.fileno())]
        child = subprocess.Popen(command, env=environment, stderr=written, pass_fds=[listening.fileno()])
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            httpx.get(f"{url}/healthz", timeout=START_SECONDS)  # the kernel holds the connection until it is served
            yield Process(url, child.pid, log, key)
        finally:
            child.terminate()
            child.wait()


def peak_bytes(pid: int) -> int:
    """The most the process has held in memory: proc(5), status, VmHWM, in kB."""
    (line,) = (one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux' /proc")
def test_the_api_stays_small_and_loads_no_science(
    process: Process, store: Store, reader: Reader, synthetic_dicom: MakesDicom
) -> None:
    read = reader.read()
    with process.client() as client:
        for path in ("studies", f"studies/{read.study_id}", f"results/{read.result_id}", "jobs", "models", "audit"):
            assert client.get(f"/api/v1/{path}").status_code == 200
        with unit_of_work(store.database) as session:
            session.query(Patient).one().name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
        for ending in ("pdf", "dcm"):
            assert client.get(f"/api/v1/studies/{read.study_id}/report.{ending}").status_code == 200
        assert client.get("/docs").status_code == 200
        sent = client.post("/api/v1/studies", files={"files": ("a.dcm", synthetic_dicom().read_bytes())})
        assert sent.status_code == 202, sent.text
        guess = {"name": "nobody", "password": "wrong password"}
        with ThreadPoolExecutor(4) as at_once:
            statuses = set(at_once.map(lambda _: client.post("/api/v1/session", json=guess).status_code, range(4)))
        assert statuses == {401}
    mapped = Path(f"/proc/{process.pid}/maps").read_text()
    assert [heavy for heavy in HEAVY if heavy in mapped] == []
    assert peak_bytes(process.pid) <= MOST_RESIDENT_BYTES


def plant(client: httpx.Client, dicom: bytes) -> None:
    """Send identifiers wherever a request has room for them."""
    client.headers["User-Agent"] = "plantedagent"
    client.post("/api/v1/studies", files={"files": ("plantedfile.dcm", dicom)}, params={"complete": "yes"})
    client.post("/api/v1/studies", files={"files": ("plantedfile.txt", b"PatientName: Plantedname")})
    client.post("/api/v1/studies", files={"files": ("plantedfile.jpg", b"\xff\xd8\xff\xe0 Plantedname")})
    client.post("/api/v1/studies/search", json={"text": "Plantedname PLANTEDID"})
    client.post("/api/v1/studies/search", json={"text": {"name": "Plantedname"}, "plantedquery": 1})
    client.post("/api/v1/session", json={"name": "plantedlogin", "password": "Plantedname"})
    client.get("/api/v1/studies/Plantedname?plantedquery=PLANTEDID")
    client.get("/plantedfile/Plantedname", params={"plantedquery": "PLANTEDID"})
    client.get("/api/v1/studies", params={"cursor": "Plantedname", "modality": "PLANTEDID"})
    client.request("Plantedname", "/api/v1/studies")
    client.get("/api/v1/results/PLANTEDID/artifacts/plantedfile.png", headers={"Authorization": "Bearer Plantedname"})


def test_planted_identifiers_turn_up_nowhere(
    process: Process, broker: Valkey, store: Store, desk: Desk, synthetic_dicom: MakesDicom
) -> None:
    desk.queue()  # makes the model that the planted study is routed to
    dicom = synthetic_dicom(
        PatientName="Plantedname^A",
        PatientID="PLANTEDID",
        StudyInstanceUID="1.2.826.7781",
        SOPInstanceUID="1.2.826.7781.1",
    )
    with process.client() as client:
        plant(client, dicom.read_bytes())
        metrics = client.get("/metrics").text
        seen = "".join(client.get(f"/api/v1/{path}").text for path in ("jobs", "rejections", "audit", "keys", "models"))
    with unit_of_work(store.database, writing=False) as session:
        rows = [(row.actor, row.action, row.subjects) for row in session.scalars(select(AuditRow))]
        events = [(row.topic, row.payload) for row in session.scalars(select(OutboxEvent))]
        refused = [(row.code, row.sentence, row.source) for row in session.scalars(select(Rejection))]
    logged = process.log.read_text()
    assert len(rows) >= 3 and len(refused) >= 2 and logged.count('"event": "request"') > 10
    rings = payloads(broker)
    assert len(rings) == 1 and "retinopathy" in rings[0]
    everything = {
        "log": logged,
        "metrics": metrics,
        "answers": seen,
        "audit": rows,
        "events": events,
        "refused": refused,
        "rings": rings,
    }
    assert [(where, word) for where, text in everything.items() for word in PLANTED if word in str(text)] == []


def test_a_defect_says_nothing_of_what_happened_inside(process: Process, reader: Reader) -> None:
    trust = {"reader": "Plantedname"}  # no number: a document that the route cannot answer with
    read = reader.read(answer=reading(explanation=Explanation("grad-cam", "last", "grade", trust)))
    with process.client() as client:
        answer = client.get(f"/api/v1/results/{read.result_id}")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    logged = process.log.read_text()
    assert "request.defect" in logged and "ValidationError" in logged
    assert "Plantedname" not in answer.text + logged
