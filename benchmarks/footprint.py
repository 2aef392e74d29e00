"""What the whole running system takes of the machine: memory, and time of its processors."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.latency import family
from services.worker.embedded import System

MEBIBYTE: Final = 1024**2
SAMPLE_SECONDS: Final = 1.0


@dataclass
class Memory:
    """The memory of all the system's processes over time: seconds, and bytes counted once (PSS)."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    @contextmanager
    def of(self, system: System) -> Iterator[None]:
        """Look at it while the block runs."""
        done = threading.Event()
        thread = threading.Thread(target=self._look, args=(system, done))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _look(self, system: System, done: threading.Event) -> None:
        while not done.wait(SAMPLE_SECONDS):
            pids = [pid for pids in system.pids.values() for pid in pids]
            self.samples.append((time.monotonic(), sum(_proportional(each) for pid in pids for each in _family(pid))))

    def peak(self) -> float:
        """The most at any time, MiB."""
        return max(size for _, size in self.samples) / MEBIBYTE

    def growth(self) -> float:
        """How much more there was in the last tenth of the time than in the tenth behind the first fifth, MiB."""
        sizes = [size for _, size in self.samples]
        tenth = max(1, len(sizes) // 10)
        return (statistics.median(sizes[-tenth:]) - statistics.median(sizes[2 * tenth : 3 * tenth])) / MEBIBYTE


def processor_seconds(system: System) -> float:
    """What the system's processes have computed so far, with those they have buried, on all processors together."""
    ticks = sum(_ticks(each) for pids in system.pids.values() for pid in pids for each in _family(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended just now
        return 0
    return sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime: fields 14 to 17 of proc(5), behind the name


def _family(pid: int) -> list[int]:
    try:
        return family(pid)
    except FileNotFoundError:  # it ended just now
        return []


def _proportional(pid: int) -> int:
    """What a process holds, shared pages divided by those who share them (proc(5), smaps_rollup)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
