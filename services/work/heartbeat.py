"""The heartbeat: a thread that keeps one claim's lease, writes its progress and learns that the claim is gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

from pipelines.core.errors import DatabaseUnavailable, LeaseLost, WorkerStopping
from services.settings import Settings
from services.store import jobs
from services.store.jobs import Claim
from services.store.session import unit_of_work
from services.store.stores import Store

#: A new step is written at most this often, so that short jobs cost no writes but their own.
STEP_SECONDS = 1.0


class Heartbeat:
    """Beats while its block runs; `progress` is what a pipeline calls, and where a lost claim or a stop surfaces."""

    def __init__(self, store: Store, claim: Claim, settings: Settings, stopping: Callable[[], bool]) -> None:
        """Nothing beats before the block begins; `stopping` says that the worker was asked to end."""
        self._store = store
        self._claim = claim
        self._settings = settings
        self._stopping = stopping
        self._step: str | None = None
        self._progress = 0.0
        self._lost = False
        self._done = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def progress(self, step: str, fraction: float) -> None:
        """Note how far the job is. Raises LeaseLost or WorkerStopping where it should not go on."""
        self._step, self._progress = step, fraction
        if self._lost:
            raise LeaseLost
        if self._stopping():
            raise WorkerStopping

    def _run(self) -> None:
        written, beaten = self._step, time.monotonic()
        pause = min(STEP_SECONDS, self._settings.heartbeat_seconds)
        while not self._done.wait(pause) and not self._lost:
            if self._step == written and time.monotonic() - beaten < self._settings.heartbeat_seconds:
                continue
            written, beaten = self._step, time.monotonic()
            self._beat()

    def _beat(self) -> None:
        try:
            with unit_of_work(self._store.database) as session:
                self._lost = not jobs.heartbeat(
                    session, self._claim, self._settings.lease_seconds, self._step, self._progress
                )
        except DatabaseUnavailable:
            # The lease may outlast the outage; if not, the guard of the save finds out.
            return
