"""The worker's side of the reading process: one at a time, watched while it reads, replaced when it grew or died."""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Final

from pipelines.core.entry import Entry
from pipelines.core.errors import JobTimeout, OutOfMemory, OverreadError, ReaderDied
from pipelines.core.types import Reading, Subject
from services.log import logger
from services.settings import Settings
from services.store import leases, models
from services.store.entries import bundle_entry
from services.store.leases import Claim
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import ModelVersion
from services.work.devices import visible_gpus
from services.worker.chunked import RemoteChunk, remote_chunk
from services.worker.deaths import death, oom_kills, peak_resident_bytes, resident_bytes
from services.worker.leash import leashed
from services.worker.messages import Answer, Request, Step

log = logger("worker")
Progress = Callable[[str, float], None]
#: How soon a cancelled, lost or stopping job is noticed while its process computes.
TICK_SECONDS: Final = 0.1
#: A process whose end was seen on its socket is gone within this, or it is killed.
BURIAL_SECONDS: Final = 5.0


def reader_command(descriptor: int) -> Sequence[str]:
    """The command line of a reading process that answers on `descriptor`."""
    return leashed("module", "services.worker.serve", "reader", str(descriptor))


class Reader:
    """A reading process; started on first use. Not for several threads."""

    def __init__(self, settings: Settings, command: Callable[[int], Sequence[str]] = reader_command) -> None:
        """Nothing is started yet; `command` is given the descriptor of the process's end of the socket."""
        self._settings = settings
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._peak: int | None = None
        self._gpus: dict[str, str] = {}
        self._answered = 0

    @property
    def pid(self) -> int | None:
        """The process that reads, where there is one."""
        return self._process.pid if self._process else None

    def ask(self, request: Request, progress: Progress) -> Reading | None:
        """Have a subject read, or without one a pipeline loaded.

        Whatever `progress` raises ends the process, since nothing else interrupts a computation. Raises what the
        pipeline raises, OutOfMemory, JobTimeout, ReaderCrashed, and ReaderDied where nothing says why.
        """
        with self.conversation(request) as connection:
            connection.send(request)
            answer = self._await(connection, progress, request.hard_seconds)
        self.count(1)
        if isinstance(answer, OutOfMemory):
            self.end()
        if isinstance(answer, OverreadError):
            raise answer
        return answer

    @contextmanager
    def conversation(self, request: Request) -> Iterator[Connection]:
        """The line to the process for the time of the block; whatever is raised inside ends that process.

        Raises ReaderCrashed, or ReaderDied where nothing says why, for a process that ended meanwhile.
        """
        kills = oom_kills()
        connection = self._started(visible_gpus(self._settings, request.memory_step, os.environ))
        try:
            yield connection
        except (EOFError, ConnectionError) as error:
            raise self._bury(kills) from error
        except BaseException:
            self.end()
            raise

    def count(self, answered: int) -> None:
        """Note how many jobs the process has read, for its recycling."""
        self._answered += answered
        self._peak = peak_resident_bytes(self._process.pid) if self._process else None

    def peak_memory_bytes(self) -> int | None:
        """The most memory the process that gave the last answer ever held; None where the system does not say."""
        return self._peak

    def is_worn(self) -> bool:
        """Whether the process has read its share of jobs, or holds more memory than it should keep between them."""
        if 0 < self._settings.worker_recycle_jobs <= self._answered:
            return True
        held = resident_bytes(self._process.pid) if self._process else None
        return held is not None and held > self._settings.worker_recycle_bytes

    def end(self) -> None:
        """Kill the process; the next job gets a fresh one."""
        if self._process is None:
            return
        self._process.kill()
        self._forget()

    def _started(self, gpus: dict[str, str]) -> Connection:
        if self._process is not None and self._process.poll() is not None:
            self._forget()
        if self._gpus != gpus:
            self.end()
        if self._connection is None:
            self._process, self._connection = _start(self._settings, self._command, gpus)
            self._gpus, self._answered = gpus, 0
        return self._connection

    def _await(
        self, connection: Connection, progress: Progress, hard_seconds: float | None
    ) -> Reading | OverreadError | None:
        deadline = time.monotonic() + (hard_seconds or math.inf)
        step = Step("load", 0.0)
        while True:
            if connection.poll(TICK_SECONDS):
                answer: Answer = connection.recv()
                if not isinstance(answer, Step):
                    return answer
                step = answer
            progress(step.name, step.fraction)
            self.check(deadline)

    def check(self, deadline: float) -> None:
        """Raise JobTimeout behind the deadline (seconds of the monotonic clock), OutOfMemory past the memory limit."""
        if time.monotonic() > deadline:
            raise JobTimeout
        held = resident_bytes(self._process.pid) if self._process else None
        if held is not None and held > self._settings.worker_memory_bytes:
            raise OutOfMemory

    def _bury(self, kills: int) -> ReaderDied:
        """The error for a process that ended by itself; it is waited for, so that its signal is known."""
        process = self._process
        if process is None:
            return ReaderDied()
        peak = peak_resident_bytes(process.pid)
        try:
            process.wait(BURIAL_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
            return ReaderDied()
        self._forget()
        return death(process.returncode, oom_kills() - kills, peak)

    def _forget(self) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


def _start(
    settings: Settings, command: Callable[[int], Sequence[str]], gpus: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], Connection]:
    ours, theirs = Pipe()
    threads = str(settings.worker_threads or os.cpu_count() or 1)
    with theirs:
        process = subprocess.Popen(
            command(theirs.fileno()),
            stdin=subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            env={**os.environ, "OMP_NUM_THREADS": threads, **gpus},
        )
    return process, ours


@dataclass(frozen=True)
class RemotePipeline:
    """A pipeline in the reading process, as `work.run` sees it."""

    reader: Reader
    request: Request
    alone: bool

    def run(self, subject: Subject, progress: Progress) -> Reading:
        """Read one subject there; a job that must run alone gets a process nobody used and nobody will use.

        So does one on its way down the memory ladder: what the process may take is less, and nothing else's fault.
        """
        if self.alone:
            self.reader.end()
        reading = self.reader.ask(replace(self.request, subject=subject), progress)
        if self.alone or self.reader.is_worn():
            self.reader.end()
        if reading is None:
            raise ReaderDied
        return reading

    def chunk(self, watch: Callable[[], None]) -> AbstractContextManager[RemoteChunk]:
        """Many subjects read there, one behind the other, for the time of a block; see chunked.py."""
        return remote_chunk(self.reader, self.request, watch)

    def peak_memory_bytes(self) -> int | None:
        """The most memory that the reading process ever held."""
        return self.reader.peak_memory_bytes()


@dataclass(frozen=True)
class Library:
    """Gives each job its pipeline: fetches the model's bundle once and names the process that runs it."""

    store: Store
    settings: Settings
    reader: Reader

    def __call__(self, claim: Claim, model: ModelVersion) -> RemotePipeline:
        """The job's pipeline on its model. Raises NotFound or ModelError where the bundle cannot be had."""
        with unit_of_work(self.store.database, writing=False) as session:
            made = leases.first_claimed_at(session, claim)
        request = replace(self._request(claim.pipeline, model, made), memory_step=claim.ladder)
        return RemotePipeline(self.reader, request, claim.alone or claim.ladder > 0)

    def warm(self, pipeline: str, model: ModelVersion) -> None:
        """Load a pipeline before its first job; a failure is left to the job that will meet it again."""
        try:
            self.reader.ask(self._request(pipeline, model, model.created_at), lambda step, fraction: None)
        except OverreadError as error:
            log.warning("worker.cold", pipeline=pipeline, code=error.code)

    def _request(self, pipeline: str, model: ModelVersion, made: datetime) -> Request:
        folder = models.fetch_bundle(self.store, model, self.settings.bundles_dir)
        request = Request(pipeline, folder, model.sha256, made, bundle=self._bundle(model))
        return replace(
            request,
            soft_seconds=request.entry.soft_seconds or self.settings.job_soft_seconds,
            hard_seconds=request.entry.hard_seconds or self.settings.job_timeout_seconds,
        )

    def _bundle(self, model: ModelVersion) -> Entry | None:
        entry = bundle_entry(model)
        if entry is None or not self.settings.trusted_without_isolation:
            return entry
        return replace(entry, parameters={**entry.parameters, "isolation": "optional"})
