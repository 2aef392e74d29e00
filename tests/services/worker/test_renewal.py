"""A worker that grew starts anew between two jobs, under its own number, and every job is done once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from services.broker import CeleryBell, make_app
from services.settings import Settings
from services.store.session import unit_of_work
from services.store.states import AttemptOutcome, JobState
from services.store.tables import Attempt, ModelVersion
from services.worker.deaths import resident_bytes
from services.worker.leash import leashed
from services.worker.stops import STOPS
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
    told = environment(settings) | grown
    with started(valkey), log.open("wb") as output:
        bell = CeleryBell(make_app(Settings(broker_url=valkey.url)))
        for _ in range(JOBS):
            bell.ring("retinopathy")
        with subprocess.Popen(command(), stdin=subprocess.PIPE, stdout=output, stderr=output, env=told) as worker:
            wait_for(desk, queued)
            wait_until_said(log, "worker.renewed", JOBS - 1)
            assert worker.poll() is None
            worker.terminate()
            assert worker.wait(60) == 0
    with unit_of_work(desk.store.database, writing=False) as session:
        outcomes = session.scalars(select(Attempt.outcome)).all()
    assert outcomes == [AttemptOutcome.FAILED] * JOBS


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process holds back")
def test_a_worker_asked_to_stop_while_it_begins_anew_ends_well_and_so_do_those_it_started(
    desk: Desk, settings: Settings
) -> None:
    desk.queue()
    with unit_of_work(desk.store.database, writing=False) as session:
        bundle = session.get_one(ModelVersion, desk.model_id).sha256
    (settings.bundles_dir / bundle).mkdir(parents=True)  # empty, which its reading process is long in finding out
    with begun_anew(settings) as worker:
        reading = wait_for_reading_process(worker.pid)
        assert held_back(reading) & set(STOPS) == set()
        worker.terminate()
        assert worker.wait(60) == 0
    assert resident_bytes(reading) is None


def test_a_stop_that_comes_before_a_worker_can_hear_it_is_not_lost(desk: Desk, settings: Settings) -> None:
    with begun_anew(settings) as worker:
        worker.terminate()
        assert worker.wait(60) == 0


def environment(settings: Settings) -> dict[str, str]:
    """What a worker process of these settings inherits."""
    told = {"OVERREAD_DATA_DIR": str(settings.data_dir), "OVERREAD_DATABASE_URL": settings.database_url or ""}
    return {**os.environ, **told}


def command() -> list[str]:
    """The command line of a worker."""
    return leashed("module", "services.worker.serve", "worker", "w1")


@contextmanager
def begun_anew(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as `renew` leaves it: just begun, its stops held back."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    worker = subprocess.Popen(command(), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(settings))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with worker:
        try:
            yield worker
        finally:
            worker.kill()


def wait_for_reading_process(pid: int) -> int:
    """The process that a worker has its jobs read by, once it has begun as one."""
    deadline = time.monotonic() + 60
    while True:
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if b"reader" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                return int(child)
        assert time.monotonic() < deadline
        time.sleep(0.02)


def held_back(pid: int) -> set[int]:
    """The signals that the first thread of a process does not hear: proc_pid_status(5), SigBlk."""
    [mask] = re.findall(r"^SigBlk:\s+(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return {number for number in range(1, signal.NSIG) if int(mask, 16) >> (number - 1) & 1}


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
