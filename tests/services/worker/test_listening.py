"""A worker whose broker went away in the middle of a job hears the next ring."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from threading import Thread

import pytest

from services.broker import CeleryBell, make_app
from services.settings import Settings
from services.worker.leash import leashed
from services.worker.valkey import Valkey


def started(valkey: Valkey) -> subprocess.Popen[bytes]:
    """The server, once it answers."""
    process = subprocess.Popen(valkey.command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not valkey.answers():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


@pytest.mark.timeout(90)
def test_a_job_that_ends_while_the_broker_is_away_does_not_deafen_its_worker(tmp_path: Path) -> None:
    valkey = Valkey.fresh(tmp_path / "broker")
    bell = CeleryBell(make_app(Settings(broker_url=valkey.url)))
    heard: list[str] = []
    with (
        started(valkey) as first,
        subprocess.Popen(
            leashed("module", "tests.services.worker.slow_consumer", valkey.url, "1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as worker,
    ):
        Thread(target=lambda: heard.extend(iter(worker.stdout.readline, "")), daemon=True).start()
        bell.ring("tests")
        wait_for(heard, ["begin\n"])
        first.kill()
        first.wait()
        wait_for(heard, ["begin\n", "end\n"])
        with started(valkey) as second:
            bell.ring("tests")
            wait_for(heard, ["begin\n", "end\n", "begin\n"])
            worker.kill()
            second.kill()


def wait_for(heard: list[str], expected: list[str], seconds: float = 30.0) -> None:
    """Wait until these lines have been heard first."""
    deadline = time.monotonic() + seconds
    while heard[: len(expected)] != expected:
        assert time.monotonic() < deadline, heard
        time.sleep(0.02)
