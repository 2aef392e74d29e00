"""A worker that grew starts anew between two jobs, under its own number, and every job is done once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from services.broker import CeleryBell, make_app
from services.settings import Settings
from services.store.session import unit_of_work
from services.store.states import AttemptOutcome, JobState
from services.store.tables import Attempt
from services.worker.leash import leashed
from services.worker.valkey import Valkey
from tests.services.conftest import Desk
from tests.services.worker.test_listening import started

JOBS = 3


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_worker_that_grew_starts_anew_between_jobs_and_loses_none(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    queued = [desk.queue() for _ in range(JOBS)]
    for job_id in queued:
        desk.change(job_id, model_version_id=None)  # each fails at once, which needs no model
    valkey, log = Valkey.fresh(tmp_path / "broker"), tmp_path / "worker.log"
    grown = {"OVERREAD_WORKER_PROCESS_BYTES": "1", "OVERREAD_BROKER_URL": valkey.url}
    told = grown | {"OVERREAD_DATA_DIR": str(settings.data_dir), "OVERREAD_DATABASE_URL": settings.database_url or ""}
    command = leashed("module", "services.worker.serve", "worker", "w1")
    with started(valkey), log.open("wb") as output:
        bell = CeleryBell(make_app(Settings(broker_url=valkey.url)))
        for _ in range(JOBS):
            bell.ring("retinopathy")
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, env={**os.environ, **told}
        ) as worker:
            wait_for(desk, queued)
            wait_until_said(log, "worker.renewed", JOBS - 1)
            assert worker.poll() is None
            worker.terminate()
            # It may just be starting, with nothing in hand and no ear for the signal yet.
            assert worker.wait(60) in {0, -signal.SIGTERM}
    with unit_of_work(desk.store.database, writing=False) as session:
        outcomes = session.scalars(select(Attempt.outcome)).all()
    assert outcomes == [AttemptOutcome.FAILED] * JOBS


def wait_for(desk: Desk, queued: list[str]) -> None:
    """Until all jobs have ended."""
    deadline = time.monotonic() + 120
    while any(desk.job(job_id).state != JobState.FAILED for job_id in queued):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def wait_until_said(log: Path, word: str, times: int) -> None:
    """Until the worker has said a word so often."""
    deadline = time.monotonic() + 60
    while log.read_text().count(word) < times:
        assert time.monotonic() < deadline
        time.sleep(0.1)
