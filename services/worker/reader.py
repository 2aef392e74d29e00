"""The worker's side of the reading process: one at a time, watched while it reads, replaced when it grew or died."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
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
from services.store import jobs, models
from services.store.entries import bundle_entry
from services.store.jobs import Claim
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import ModelVersion
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

    @property
    def pid(self) -> int | None:
        """The process that reads, where there is one."""
        return self._process.pid if self._process else None

    def ask(self, request: Request, progress: Progress) -> Reading | None:
        """Have a subject read, or without one a pipeline loaded.

        Whatever `progress` raises ends the process, since nothing else interrupts a computation. Raises what the
        pipeline raises, OutOfMemory, JobTimeout, ReaderCrashed, and ReaderDied where nothing says why.
        """
        kills = oom_kills()
        connection = self._started()
        try:
            connection.send(request)
            answer = self._await(connection, progress)
        except (EOFError, ConnectionError) as error:
            raise self._bury(kills) from error
        except BaseException:
            self.end()
            raise
        self._peak = peak_resident_bytes(self._process.pid) if self._process else None
        if isinstance(answer, OutOfMemory):
            self.end()
        if isinstance(answer, OverreadError):
            raise answer
        return answer

    def peak_memory_bytes(self) -> int | None:
        """The most memory the process that gave the last answer ever held; None where the system does not say."""
        return self._peak

    def is_grown(self) -> bool:
        """Whether the process holds more memory than it should keep between jobs."""
        held = resident_bytes(self._process.pid) if self._process else None
        return held is not None and held > self._settings.worker_recycle_bytes

    def end(self) -> None:
        """Kill the process; the next job gets a fresh one."""
        if self._process is None:
            return
        self._process.kill()
        self._forget()

    def _started(self) -> Connection:
        if self._process is not None and self._process.poll() is not None:
            self._forget()
        if self._connection is None:
            self._process, self._connection = _start(self._settings, self._command)
        return self._connection

    def _await(self, connection: Connection, progress: Progress) -> Reading | OverreadError | None:
        deadline = time.monotonic() + self._settings.job_timeout_seconds
        step = Step("load", 0.0)
        while True:
            if connection.poll(TICK_SECONDS):
                answer: Answer = connection.recv()
                if not isinstance(answer, Step):
                    return answer
                step = answer
            progress(step.name, step.fraction)
            self._check(deadline)

    def _check(self, deadline: float) -> None:
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


def _start(settings: Settings, command: Callable[[int], Sequence[str]]) -> tuple[subprocess.Popen[bytes], Connection]:
    ours, theirs = Pipe()
    threads = str(settings.worker_threads or os.cpu_count() or 1)
    with theirs:
        process = subprocess.Popen(
            command(theirs.fileno()),
            stdin=subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            env={**os.environ, "OMP_NUM_THREADS": threads},
        )
    return process, ours


@dataclass(frozen=True)
class RemotePipeline:
    """A pipeline in the reading process, as `work.run` sees it."""

    reader: Reader
    request: Request
    alone: bool

    def run(self, subject: Subject, progress: Progress) -> Reading:
        """Read one subject there; a job that must run alone gets a process nobody used and nobody will use."""
        if self.alone:
            self.reader.end()
        reading = self.reader.ask(replace(self.request, subject=subject), progress)
        if self.alone or self.reader.is_grown():
            self.reader.end()
        if reading is None:
            raise ReaderDied
        return reading

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
            made = jobs.first_claimed_at(session, claim)
        return RemotePipeline(self.reader, self._request(claim.pipeline, model, made), claim.alone)

    def warm(self, pipeline: str, model: ModelVersion) -> None:
        """Load a pipeline before its first job; a failure is left to the job that will meet it again."""
        try:
            self.reader.ask(self._request(pipeline, model, model.created_at), lambda step, fraction: None)
        except OverreadError as error:
            log.warning("worker.cold", pipeline=pipeline, code=error.code)

    def _request(self, pipeline: str, model: ModelVersion, made: datetime) -> Request:
        folder = models.fetch_bundle(self.store, model, self.settings.bundles_dir)
        return Request(pipeline, folder, model.sha256, made, bundle=self._bundle(model))

    def _bundle(self, model: ModelVersion) -> Entry | None:
        entry = bundle_entry(model)
        if entry is None or not self.settings.trusted_without_isolation:
            return entry
        return replace(entry, parameters={**entry.parameters, "isolation": "optional"})
