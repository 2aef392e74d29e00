"""The report of a study as PDF and as SR: seconds until it is there, and what the API process holds for it."""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from benchmarks.figures import Figure, seconds
from benchmarks.latency import MEBIBYTE, client_of, family, full_size_photographs, resident_bytes, seconds_to_result
from services.settings import Settings
from services.store.session import unit_of_work
from services.store.stores import open_store
from services.store.tables import Patient
from services.worker.embedded import System

#: Letters of three fonts; the one for the last two is the largest.
NAME: Final = "Yamada^Tarou=山田^太郎=やまだ^たろう"
STARTS: Final = 3
REPEATS: Final = 10
#: Reports asked for at the same moment, every other one as an SR.
AT_ONCE: Final = 20
READY_SECONDS: Final = 60.0
TICK_SECONDS: Final = 0.02
API_MEBIBYTES: Final = 200.0
ENDINGS: Final = ("pdf", "dcm")
#: How the table calls them.
CALLED: Final = {"pdf": "PDF", "dcm": "SR"}


@dataclass
class Taken:
    """What was measured: seconds by form, of the first of a process and of later ones, and memory in MiB."""

    first: dict[str, list[float]] = field(default_factory=lambda: {ending: [] for ending in ENDINGS})
    later: dict[str, list[float]] = field(default_factory=lambda: {ending: [] for ending in ENDINGS})
    together: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    api_peaks: list[float] = field(default_factory=list)
    children: list[float] = field(default_factory=list)


def measure() -> list[Figure]:
    """Seconds of the first and of a later PDF and SR, of twenty at once and of other requests then; the API's peak."""
    taken = Taken()
    with (
        tempfile.TemporaryDirectory() as folder,
        System.start(Settings(data_dir=Path(folder), port=0)) as system,
        client_of(system) as client,
    ):
        report = _report(system, client)
        for _ in range(STARTS):
            _fresh_api(system, client)
            _take(system, client, report, taken)
    return [*_seconds(taken), *_memory(taken)]


def _seconds(taken: Taken) -> Iterator[Figure]:
    for ending in ENDINGS:
        yield Figure(f"first {CALLED[ending]} of a started API", statistics.median(taken.first[ending]), "s")
        yield Figure(f"  a later {CALLED[ending]}", statistics.median(taken.later[ending]), "s")
    yield Figure(f"{AT_ONCE} at once, the last", statistics.median(taken.together), "s")
    yield Figure("  another request meanwhile, the slowest", max(taken.others), "s")


def _memory(taken: Taken) -> Iterator[Figure]:
    peak = max(taken.api_peaks)
    target = f"<= {API_MEBIBYTES:.0f} MiB"
    yield Figure("API process, peak resident", peak, "MiB", target=target, reached=peak <= API_MEBIBYTES)
    yield Figure("its child processes together, resident", max(taken.children), "MiB")


def _report(system: System, client: httpx.Client) -> str:
    """The path of the report of a study with a picture, whose patient's name needs every font."""
    seconds_to_result(client, 0, next(full_size_photographs(1)))
    store = open_store(system.settings)
    with unit_of_work(store.database) as session:
        session.query(Patient).one().name = NAME
    store.close()
    study = client.get("/studies").raise_for_status().json()["items"][0]["id"]
    return f"/studies/{study}/report"


def _fresh_api(system: System, client: httpx.Client) -> None:
    """Have the API started anew, with nothing loaded that only some ask for."""
    (before,) = system.pids["api"]
    os.kill(before, signal.SIGTERM)
    deadline = time.monotonic() + READY_SECONDS
    while system.pids["api"] in ([], [before]) and time.monotonic() < deadline:
        time.sleep(TICK_SECONDS)
    client.get("/me").raise_for_status()  # the socket holds the request until there is somebody to answer
    client.get("/studies").raise_for_status()


def _take(system: System, client: httpx.Client, report: str, taken: Taken) -> None:
    client.get(report).raise_for_status()
    for ending in ENDINGS:
        taken.first[ending].append(_once(client, report, ending))
        taken.later[ending] += [_once(client, report, ending) for _ in range(REPEATS)]
    with _asking(client, taken.others), ThreadPoolExecutor(AT_ONCE) as readers:
        asked = [ENDINGS[number % len(ENDINGS)] for number in range(AT_ONCE)]
        taken.together.append(seconds(lambda: list(readers.map(lambda ending: _once(client, report, ending), asked))))
    (api,) = system.pids["api"]
    taken.api_peaks.append(_peak_bytes(api) / MEBIBYTE)
    taken.children.append(sum(resident_bytes(each) for each in family(api)[1:]) / MEBIBYTE)


def _once(client: httpx.Client, report: str, ending: str) -> float:
    return seconds(lambda: client.get(f"{report}.{ending}").raise_for_status())


@contextmanager
def _asking(client: httpx.Client, taken: list[float]) -> Iterator[None]:
    """Ask for the worklist again and again while the block runs."""
    done = threading.Event()

    def ask() -> None:
        while not done.wait(TICK_SECONDS):
            taken.append(seconds(lambda: client.get("/studies").raise_for_status()))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _peak_bytes(pid: int) -> int:
    """The most the process has held in memory: proc(5), status, VmHWM, in kB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
