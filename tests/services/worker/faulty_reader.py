"""A reading process whose pipeline does what the subject's kind says: answer, crash, hang, grow, fail."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from pipelines.core.entry import Entry
from pipelines.core.errors import CorruptPixels
from pipelines.core.types import Reading, Subject
from pipelines.imaging.decoder import Decoder
from pipelines.pipeline import Pipeline
from services.log import configure
from services.settings import Settings
from services.worker.reading import Shelf, serve
from tests.services.readings import reading

GROWN_BYTES = 200 * 1024**2


class Faulty:
    """A pipeline that can be told to fail."""

    ahead = 2
    draws_on_demand = False
    run_batch = Pipeline.run_batch

    def __init__(self) -> None:
        """Remembers what it took."""
        self.hoard: list[bytes] = []

    def run(self, subject: Subject, progress: Callable[[str, float], None]) -> Reading:
        """Do what the subject's kind says, and say which process did it."""
        progress("infer", 0.4)
        self.progress = progress
        getattr(self, subject.kind)()
        return reading(
            subject,
            artifacts=(),
            seconds={"pid": float(os.getpid())},
            abstain_reason=os.environ.get("CUDA_VISIBLE_DEVICES"),
        )

    def close(self) -> None:
        """Nothing to give back."""

    def well(self) -> None:
        """Answer."""

    def gpus(self) -> None:
        """Answer; every answer says which GPUs it saw."""

    def slow(self) -> None:
        """Take a while between two steps."""
        time.sleep(0.3)
        self.progress("infer", 0.8)

    def segfault(self) -> None:
        """Crash as native code does."""
        ctypes.string_at(0)

    def killed(self) -> None:
        """End as by an operator's kill -9."""
        os.kill(os.getpid(), signal.SIGKILL)

    def gone(self) -> None:
        """End without a word or a signal."""
        os._exit(3)

    def hungry(self) -> None:
        """Ask for more than there is."""
        raise MemoryError

    def exhausted(self) -> None:
        """Say that memory ended, as a network's library does."""
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    def growing(self) -> None:
        """Keep what a leaking library would keep."""
        self.hoard.append(b"\1" * GROWN_BYTES)

    def greedy(self) -> None:
        """Take memory and go on."""
        self.growing()
        self.endless()

    def endless(self) -> None:
        """Never answer."""
        time.sleep(600)

    def corrupt(self) -> None:
        """Refuse the input."""
        raise CorruptPixels(frames=3)

    def defect(self) -> None:
        """Fail as a program with a mistake does, quoting what it read."""
        raise ValueError("Doe^Jane")


def make(entry: Entry, folder: Path, decoder: Decoder, *, memory_bytes: int | None) -> Faulty:
    """A faulty pipeline in place of the registered one."""
    return Faulty()


if __name__ == "__main__":
    configure()
    serve(Connection(int(sys.argv[1])), Shelf(Settings(), make))  # type: ignore[arg-type]
