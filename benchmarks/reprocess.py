"""Reprocessing an archive of fundus photographs: its pace beside a bare loop, its memory, and who waits meanwhile.

The running system reads a part of the archive, then the bare loop the same files, in turns; the share that is printed
is the worst turn's. Times are the database's: from the first claim to the last result. Neighbours on the machine tell
on the share; what all processors computed for a photograph hardly changes with them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy import func, select

from benchmarks.bare_loop import MODEL
from benchmarks.figures import Figure, table
from benchmarks.footprint import Memory, processor_seconds
from benchmarks.latency import full_size_photographs, seconds_to_result
from benchmarks.photograph_archive import FIRST_DAY, make_archive, photographs
from pipelines.core.types import InstanceFile, Laterality, Subject
from pipelines.exporters.json import reading_json
from pipelines.registry import entry, resolve
from services.settings import Settings
from services.store import users
from services.store.session import unit_of_work
from services.store.states import JobRole, Role
from services.store.stores import open_store
from services.store.tables import Attempt, BatchItem, Instance, Job, JobInput, Result
from services.worker.embedded import System

TARGET_SHARE: Final = 0.9
POLL_SECONDS: Final = 0.5
#: So many live photographs are sent one after another, each as soon as the one before it is read.
LIVE: Final = 20
#: So often the system and the bare loop take turns.
TURNS: Final = 2
PERCENT_95: Final = 0.95


@dataclass(frozen=True, slots=True)
class Pace:
    """So many photographs in so many seconds, and what all processors computed for them, in seconds."""

    photographs: int
    seconds: float
    processor_seconds: float

    @property
    def rate(self) -> float:
        """Photographs a second."""
        return self.photographs / self.seconds

    @property
    def effort(self) -> float:
        """Processor time of a photograph, ms."""
        return 1000 * self.processor_seconds / self.photographs


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 where the share is below the target."""
    parser = argparse.ArgumentParser(prog="benchmarks reprocess", description=__doc__)
    parser.add_argument("--photographs", type=int, default=1000, help="in the archive that is read; default 1000")
    parser.add_argument("--workers", default="1", help="worker processes, several numbers with commas; default 1")
    parser.add_argument("--no-live", action="store_true", help="leave out the latency of fresh studies")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    chosen = parser.parse_args(arguments)
    figures = measure(chosen.photographs, [int(one) for one in chosen.workers.split(",")], live=not chosen.no_live)
    print(json.dumps([asdict(one) for one in figures]) if chosen.json else table(figures))
    return int(any(figure.reached is False for figure in figures))


def measure(count: int, workers: Sequence[int], *, live: bool) -> list[Figure]:
    """All figures; the archive is made once, and each part of it is read once."""
    turns = max(1, min(TURNS, count // 50))
    part = count // turns
    parts = [part] * turns * len(workers) + ([max(part, 25 * LIVE)] if live else [])
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), port=0)
        System.start(settings).stop()  # makes the database and registers the models
        store = open_store(settings)
        make_archive(store, parts, _read_once(Path(folder)))
        store.close()
        figures = []
        for place, number in enumerate(workers):
            days = range(place * turns, (place + 1) * turns)
            figures += _pace(settings, number, days)
        return figures + (_live(settings, len(parts) - 1) if live else [])


def _read_once(folder: Path) -> dict[str, object]:
    """What the model says of one of the photographs: the document that stands for the older model's results."""
    (photograph,) = photographs(1, folder)
    path = folder / "one.dcm"
    path.write_bytes(photograph.content)
    uid = photograph.sop_instance_uid
    file = InstanceFile(path, "0" * 64, uid, photograph.sop_class_uid, "OP", "2.25.2", "2.25.3", Laterality.LEFT)
    with resolve(entry("retinopathy"), MODEL) as pipeline:
        return reading_json(pipeline.run(Subject("study", (file,))))


def _pace(settings: Settings, workers: int, days: range) -> list[Figure]:
    memory, ours, bare = Memory(), list[Pace](), list[Pace]()
    with System.start(settings, workers=workers) as system, client_of(system) as client:
        for day in days:
            used = processor_seconds(system)
            with memory.of(system):
                batch = _start(client, day)
                _until_finished(client, batch)
            used = processor_seconds(system) - used
            number, seconds = _read(settings, batch)
            ours.append(Pace(number, seconds, used))
            bare.append(_bare(_paths(settings, batch)))
    share = min(own.rate / other.rate for own, other in zip(ours, bare, strict=True))
    name = f"reprocessing, {workers} worker{'s' if workers > 1 else ''}"
    reached = share >= TARGET_SHARE if workers == 1 else None
    return [
        Figure(name, _rate(ours), "photographs/s", "of the bare loop", share, f">= {TARGET_SHARE}", reached),
        Figure("  the bare loop", _rate(bare), "photographs/s"),
        Figure("  processor time, all processes", _effort(ours), "ms a photograph"),
        Figure("  processor time, the bare loop", _effort(bare), "ms a photograph"),
        Figure("  all processes, at most", memory.peak(), "MiB"),
        Figure("  their growth while it ran", memory.growth(), "MiB"),
    ]


def _live(settings: Settings, day: int) -> list[Figure]:
    """How long a fresh photograph takes with nothing else to do, and while a batch runs."""
    sent = list(enumerate(full_size_photographs(2 * LIVE)))
    with System.start(settings) as system, client_of(system) as client:
        quiet = [seconds_to_result(client, number, photograph) for number, photograph in sent[:LIVE]]
        batch = _start(client, day)
        _wait(lambda: _items(client, batch).get("done", 0) > 0)
        busy = [seconds_to_result(client, number, photograph) for number, photograph in sent[LIVE:]]
        still = client.get(f"/batches/{batch}").raise_for_status().json()["state"]
        client.post(f"/batches/{batch}/cancel")
    if still != "running":
        raise RuntimeError("the batch ended before the last fresh photograph was read; make it longer")
    return [
        Figure("a fresh photograph, nothing else running, p50", statistics.median(quiet), "s"),
        Figure("  p95", _percentile(quiet), "s"),
        Figure("a fresh photograph while a batch runs, p50", statistics.median(busy), "s"),
        Figure("  p95", _percentile(busy), "s"),
    ]


def client_of(system: System) -> httpx.Client:
    """A client with a key of its own, which may start batches."""
    store = open_store(system.settings)
    with unit_of_work(store.database) as session:
        key = users.create_key(session, "benchmark", Role.ADMIN, "system").key
    store.close()
    return httpx.Client(base_url=f"{system.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60.0)


def _start(client: httpx.Client, day: int) -> str:
    asked = (FIRST_DAY + timedelta(days=day)).isoformat()
    body = {"name": "benchmark", "pipeline": "retinopathy", "query": {"from": asked, "to": asked}}
    return str(client.post("/batches", json=body).raise_for_status().json()["id"])


def _until_finished(client: httpx.Client, batch: str) -> None:
    _wait(lambda: client.get(f"/batches/{batch}").raise_for_status().json()["state"] == "finished")
    items = _items(client, batch)
    if set(items) - {"done"} and any(number for state, number in items.items() if state != "done"):
        raise RuntimeError(f"not every photograph was read: {items}")


def _items(client: httpx.Client, batch: str) -> dict[str, int]:
    items: dict[str, int] = client.get(f"/batches/{batch}").raise_for_status().json()["items"]
    return items


def _wait(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(POLL_SECONDS)


def _read(settings: Settings, batch: str) -> tuple[int, float]:
    """How many photographs of a batch were read, and the seconds from the first claim to the last result."""
    store = open_store(settings)
    with unit_of_work(store.database, writing=False) as session:
        number, begin, end = session.execute(
            select(func.count(), func.min(Attempt.started_at), func.max(Result.created_at))
            .join(Result, Result.job_id == Attempt.job_id)
            .join(Job, Job.id == Attempt.job_id)
            .where(Job.batch_id == batch, Job.role == JobRole.BATCH)
        ).one()
    store.close()
    if begin is None or end is None:
        raise RuntimeError("the batch has read nothing")
    return number, (end - begin).total_seconds()


def _paths(settings: Settings, batch: str) -> list[Path]:
    store = open_store(settings)
    with unit_of_work(store.database, writing=False) as session:
        digests = session.scalars(
            select(Instance.blob_sha256)
            .join(JobInput, JobInput.instance_id == Instance.id)
            .join(BatchItem, BatchItem.job_id == JobInput.job_id)
            .where(BatchItem.batch_id == batch)
        ).all()
    places = [settings.data_dir / "blobs" / store.blobs.place(sha256) for sha256 in digests]
    store.close()
    return places


def _bare(paths: Sequence[Path]) -> Pace:
    told = "\n".join(map(str, paths))
    command = [sys.executable, "-m", "benchmarks.bare_loop"]
    answer = subprocess.run(command, input=told, capture_output=True, text=True, check=True).stdout
    seconds, used = map(float, answer.split())
    return Pace(len(paths), seconds, used)


def _rate(turns: Sequence[Pace]) -> float:
    return statistics.median(turn.rate for turn in turns)


def _effort(turns: Sequence[Pace]) -> float:
    return statistics.median(turn.effort for turn in turns)


def _percentile(seconds: Sequence[float]) -> float:
    return sorted(seconds)[round(PERCENT_95 * (len(seconds) - 1))]
