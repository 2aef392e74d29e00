"""`python -m benchmarks engine`: jobs a second through the real system, with a pipeline that does nothing."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy import func, select

from benchmarks.figures import Figure, table
from pipelines.selftest import write_bundle
from pipelines.selftest_words import Act, Word, selftest_object
from services.settings import Settings
from services.store import users
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.states import JobState, Role
from services.store.stores import Store, open_store
from services.store.tables import Job
from services.worker.embedded import System

JOBS: Final = 300
WORKERS: Final = (1, 2, 4)
QUEUE: Final = "selftest"
POLL_SECONDS: Final = 0.25
DEADLINE_SECONDS: Final = 300.0


def main(arguments: Sequence[str]) -> int:
    """Measure with each number of workers; 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks engine", description=__doc__)
    parser.add_argument("--database-url", help="a PostgreSQL database made for it; default: a fresh SQLite file")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = _figures(chosen.database_url, Path(folder), chosen.workers, chosen.jobs)
    print(json.dumps([asdict(figure) for figure in figures]) if chosen.json else table(figures))
    return 0


def _figures(database_url: str | None, folder: Path, numbers: Sequence[int], jobs: int) -> list[Figure]:
    """Jobs a second with each number of workers, on one database."""
    write_bundle(folder / "models" / "selftest")
    settings = Settings(data_dir=folder / "data", models_dir=folder / "models", database_url=database_url, port=0)
    kind = "PostgreSQL" if database_url else "SQLite"
    rates: dict[int, float] = {}
    figures: list[Figure] = []
    for workers in numbers:
        print(f"measuring {workers} workers on {kind} ...", file=sys.stderr, flush=True)
        rates[workers] = jobs_a_second(settings, workers, jobs)
        ratio = rates[workers] / rates[numbers[0]] if len(rates) > 1 else None
        beside = f"{numbers[0]} worker" if ratio else f"load {os.getloadavg()[0]:.1f}"
        figures.append(Figure(f"no-op jobs, {workers} workers, {kind}", rates[workers], "jobs/s", beside, ratio))
    return figures


def jobs_a_second(settings: Settings, workers: int, jobs: int) -> float:
    """How many of the jobs that wait in a paused queue end in a second once it goes on, over all workers."""
    with System.start(settings, workers) as system, closing(open_store(system.settings)) as store:
        first_id = new_id()
        with _client(system, store) as client:
            client.post(f"/queues/{QUEUE}/pause").raise_for_status()
            _submit(client, first_id, jobs)
            client.post(f"/queues/{QUEUE}/resume").raise_for_status()
            _wait(store, first_id, jobs)
        return _rate(store, first_id)


def _client(system: System, store: Store) -> httpx.Client:
    with unit_of_work(store.database) as session:
        key = users.create_key(session, "benchmark", Role.ADMIN, "system").key
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=f"{system.url}/api/v1", headers=headers, timeout=DEADLINE_SECONDS)


def _submit(client: httpx.Client, run: str, jobs: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(jobs):
            archive.writestr(f"{number}.dcm", selftest_object(Word(Act.SUCCEED), f"{run} {number}"))
    answer = client.post(
        "/studies",
        params={"pipeline": QUEUE, "complete": "yes"},
        content=packed.getvalue(),
        headers={"Content-Type": "application/zip"},
    )
    answer.raise_for_status()


def _wait(store: Store, first_id: str, jobs: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    ended = select(func.count()).select_from(Job).where(Job.id > first_id, Job.state == JobState.SUCCEEDED)
    while time.monotonic() < deadline:
        with unit_of_work(store.database, writing=False) as session:
            if session.scalar(ended) == jobs:
                return
        time.sleep(POLL_SECONDS)
    raise TimeoutError("not all jobs succeeded")


def _rate(store: Store, first_id: str) -> float:
    """From the end of the first job to that of the last: starting a process that reads is none of the engine's work."""
    ended = select(Job.finished_at).where(Job.id > first_id, Job.finished_at.is_not(None)).order_by(Job.finished_at)
    with unit_of_work(store.database, writing=False) as session:
        moments = [moment for moment in session.scalars(ended) if moment is not None]
    return (len(moments) - 1) / (moments[-1] - moments[0]).total_seconds()
