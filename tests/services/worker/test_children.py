"""The supervisor: what dies is started again, more slowly each time, and nothing survives the stop."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.worker.children import FIRST_PAUSE_SECONDS, HOPELESS, Children, Program
from services.worker.deaths import resident_bytes

#: Whoever waits for it waits for so long, since a child that will not end never does.
ENDLESS_SECONDS = 60.0
STUBBORN = ("sh", "-c", "trap '' TERM; echo ready; while :; do read line; done")


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    """A supervisor with little patience."""
    children = Children(dict(os.environ), tmp_path / "logs", grace_seconds=0.5)
    yield children
    children.stop()


def until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_child_that_dies_is_started_again(children):
    children.start(Program("api", "api", lambda: ("sleep", "600")))
    until(lambda: children.pids("api"))
    (first,) = children.pids("api")
    os.kill(first, signal.SIGKILL)
    until(lambda: children.pids("api") not in ([], [first]))


def test_a_child_that_cannot_live_is_given_a_clean_start(children):
    started, resets = [], []
    program = Program(
        "broker", "broker", lambda: (started.append(time.monotonic()), ("false",))[1], reset=lambda: resets.append(1)
    )
    children.start(program)
    until(lambda: resets)
    pauses = [later - earlier for earlier, later in itertools.pairwise(started)]
    # A busy machine makes pauses longer than they are meant, and none shorter.
    assert len(started) >= HOPELESS and pauses[2] >= 4 * FIRST_PAUSE_SECONDS


def test_the_log_of_a_process_that_lives_long_is_cut_while_it_writes(children, tmp_path, monkeypatch):
    monkeypatch.setattr("services.worker.children.LOG_BYTES", 2_000)
    monkeypatch.setattr("services.worker.children.LOG_SECONDS", 0.0)
    log = tmp_path / "logs" / "api.log"
    writer = f"while :; do echo {'a' * 500}; sleep 0.01; done"
    children.start(Program("api", "api", lambda: ("sh", "-c", writer)))
    until(lambda: log.with_suffix(".log.1").exists())
    (first,) = children.pids("api")
    before = log.with_suffix(".log.1").stat().st_mtime_ns
    until(lambda: log.with_suffix(".log.1").stat().st_mtime_ns > before)
    assert children.pids("api") == [first]
    assert not log.read_bytes().strip(b"a\n")  # and no hole of zeros where it was cut


def test_the_stop_ends_even_a_child_that_will_not(children, tmp_path):
    children.start(Program("api", "api", lambda: STUBBORN))
    until(
        lambda: (
            "ready" in (tmp_path / "logs" / "api.log").read_text() if (tmp_path / "logs" / "api.log").exists() else ""
        )
    )
    (pid,) = children.pids("api")
    began = time.monotonic()
    children.stop()
    assert time.monotonic() - began < ENDLESS_SECONDS
    assert resident_bytes(pid) is None and children.pids("api") == []


def test_a_foundation_stops_after_what_stands_on_it(children, tmp_path):
    order = tmp_path / "order"
    for name, foundation in (("broker", True), ("api", False)):
        said = f"trap 'echo {name} >> {order}; exit' TERM; echo ready; while :; do read -t 1 line; done"
        children.start(Program(name, name, lambda said=said: ("bash", "-c", said), foundation=foundation))
    logs = [tmp_path / "logs" / f"{name}.log" for name in ("broker", "api")]
    until(lambda: all(log.exists() and "ready" in log.read_text() for log in logs))
    children.stop()
    assert order.read_text().split() == ["api", "broker"]


def test_what_children_say_is_kept_in_their_logs(children, tmp_path):
    children.start(Program("worker", "worker-1", lambda: ("sh", "-c", "echo out; echo err >&2; sleep 600")))
    log = tmp_path / "logs" / "worker-1.log"
    until(lambda: log.exists() and log.read_text().split() == ["out", "err"])
