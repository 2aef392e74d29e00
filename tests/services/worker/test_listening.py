"""A worker whose broker went away in the middle of a job hears the next ring."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from services.broker import CeleryBell, make_app
from services.settings import Settings
from services.worker.leash import leashed
from services.worker.valkey import Valkey

WORDS = frozenset({"begin", "end", "stopped"})


@contextmanager
def started(valkey: Valkey) -> Iterator[subprocess.Popen[bytes]]:
    """The server, answering, for the time of the block; it ends by kill -9."""
    with subprocess.Popen(valkey.command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not valkey.answers():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


@contextmanager
def listening(valkey: Valkey, seconds: float) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A worker whose jobs take so long, and the lines it says."""
    command = leashed("module", "tests.services.worker.slow_consumer", valkey.url, str(seconds))
    heard: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as worker:
        said = (line.strip() for line in worker.stdout)
        Thread(target=lambda: heard.extend(word for word in said if word in WORDS), daemon=True).start()
        try:
            yield worker, heard
        finally:
            worker.kill()


@pytest.fixture
def valkey(tmp_path: Path) -> Valkey:
    """Where a broker may listen; nothing runs yet."""
    return Valkey.fresh(tmp_path / "broker")


@pytest.mark.timeout(200)
def test_a_job_that_ends_while_the_broker_is_away_does_not_deafen_its_worker(valkey: Valkey) -> None:
    bell = CeleryBell(make_app(Settings(broker_url=valkey.url)))
    with started(valkey) as first, listening(valkey, 1.0) as (_, heard):
        bell.ring("tests")
        wait_for(heard, ["begin"])
        first.kill()
        first.wait()
        wait_for(heard, ["begin", "end"])
        with started(valkey):
            bell.ring("tests")
            wait_for(heard, ["begin", "end", "begin"])


@pytest.mark.timeout(200)
def test_a_worker_asked_to_stop_says_so_to_the_job_it_runs(valkey: Valkey) -> None:
    with started(valkey), listening(valkey, 600.0) as (worker, heard):
        CeleryBell(make_app(Settings(broker_url=valkey.url))).ring("tests")
        wait_for(heard, ["begin"])
        worker.terminate()
        wait_for(heard, ["begin", "stopped"])
        assert worker.wait(60) == 0


def wait_for(heard: list[str], expected: list[str], seconds: float = 60.0) -> None:
    """Wait until these lines have been heard first."""
    deadline = time.monotonic() + seconds
    while heard[: len(expected)] != expected:
        assert time.monotonic() < deadline, heard
        time.sleep(0.02)
