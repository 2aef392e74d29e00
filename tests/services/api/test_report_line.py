"""Files of reports through the API: one process writes them, nobody else waits for it, and its failures are told."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from services.api import report_line
from services.store.states import Role
from services.work.report_process import ReportProcess
from tests.services.api.conftest import Reader, Web
from tests.services.api.test_report import address
from tests.services.work.test_report_process import killed, living

BURST = 20
PATIENCE_SECONDS = 30.0


def writers() -> list[int]:
    """The processes of this test's process that write files of reports."""
    found = []
    for listed in Path("/proc/self/task").glob("*/children"):
        found += [int(pid) for pid in listed.read_text().split()]
    return [pid for pid in found if b"report_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def carol(web: Web) -> httpx.Client:
    """A clinician."""
    return web.client(Role.CLINICIAN, "carol")


def test_twenty_readers_at_once_share_one_process_and_keep_nobody_else_waiting(
    web: Web, reader: Reader, carol: httpx.Client, report_process: ReportProcess
) -> None:
    read = reader.read()
    paths = [address(read, (".pdf", ".dcm")[number % 2]) for number in range(BURST)]
    assert carol.get(paths[0]).status_code == 200
    writer = living(report_process)
    with ThreadPoolExecutor(BURST) as readers:
        os.kill(writer, signal.SIGSTOP)
        answers = [readers.submit(carol.get, path) for path in paths]
        others = [carol.get("/api/v1/studies").status_code for _ in range(BURST)]
        waiting = [not answer.done() for answer in answers]
        os.kill(writer, signal.SIGCONT)
        assert {answer.result().status_code for answer in answers} == {200}
    assert (set(others), all(waiting), writers()) == ({200}, True, [writer])


def test_a_line_that_is_too_long_is_refused_and_the_others_are_served(
    reader: Reader, carol: httpx.Client, report_process: ReportProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_line, "MOST_WAITING", 1)
    pdf = address(reader.read(), ".pdf")
    assert carol.get(pdf).status_code == 200
    writer = living(report_process)
    with ThreadPoolExecutor(BURST) as readers:
        os.kill(writer, signal.SIGSTOP)
        answers = [readers.submit(carol.get, pdf) for _ in range(4)]
        until(lambda: sum(answer.done() for answer in answers) == 2)
        os.kill(writer, signal.SIGCONT)
        told = [answer.result() for answer in answers]
    assert sorted(answer.status_code for answer in told) == [200, 200, 503, 503]
    refused = next(answer for answer in told if answer.status_code == 503)
    assert refused.json()["code"] == "reports_busy" and refused.headers["Retry-After"]


def test_a_process_that_dies_of_a_report_is_told_and_the_next_request_works(
    reader: Reader, carol: httpx.Client, report_process: ReportProcess
) -> None:
    pdf = address(reader.read(), ".pdf")
    with killed(report_process):
        refused = carol.get(pdf)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (502, "report_not_made")
    assert "nothing stored has changed" in problem["detail"]
    assert carol.get(pdf).status_code == 200


def test_a_process_that_nobody_needs_gives_its_memory_back(
    reader: Reader, carol: httpx.Client, report_process: ReportProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_line, "IDLE_SECONDS", 0.05)
    pdf = address(reader.read(), ".pdf")
    assert carol.get(pdf).status_code == 200
    until(lambda: report_process.pid is None)
    assert carol.get(pdf).status_code == 200
