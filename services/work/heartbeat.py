"""The heartbeat: a thread that keeps one claim's lease, writes its progress and learns that the claim is gone."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

from pipelines.core.errors import LeaseLost, Unavailable, WorkerStopping
from services.settings import Settings
from services.store import leases
from services.store.leases import Claim
from services.store.session import unit_of_work
from services.store.stores import Store

#: A new step is written at most this often, so that short jobs cost no writes but their own.
STEP_SECONDS = 1.0
#: How often the claim is looked at: a cancelled job's computation ends within about a second.
LOOK_SECONDS = 0.5


class Heart(ABC):
    """A thread that runs as long as its block does."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Nothing beats before the block begins."""
        self._store = store
        self._settings = settings
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

    @abstractmethod
    def _run(self) -> None:
        """What the thread does: something each time that `_rest` ends, until it says that the block has."""

    def _rest(self) -> bool:
        """Wait until it is time to look; whether the block goes on."""
        return not self._done.wait(min(LOOK_SECONDS, self._settings.heartbeat_seconds))


class Heartbeat(Heart):
    """Beats while its block runs; `progress` is what a pipeline calls, and where a lost claim or a stop surfaces."""

    def __init__(self, store: Store, claim: Claim, settings: Settings, stopping: Callable[[], bool]) -> None:
        """Nothing beats before the block begins; `stopping` says that the worker was asked to end."""
        super().__init__(store, settings)
        self._claim = claim
        self._stopping = stopping
        self._step: str | None = None
        self._progress = 0.0
        self._lost = False

    def progress(self, step: str, fraction: float) -> None:
        """Note how far the job is. Raises LeaseLost or WorkerStopping where it should not go on."""
        self._step, self._progress = step, fraction
        if self._lost:
            raise LeaseLost
        if self._stopping():
            raise WorkerStopping

    def _run(self) -> None:
        written, beaten = self._step, time.monotonic()
        while self._rest() and not self._lost:
            step, since = self._step, time.monotonic() - beaten
            if since < (
                self._settings.heartbeat_seconds
                if step == written
                else min(STEP_SECONDS, self._settings.heartbeat_seconds)
            ):
                self._through_outage(self._look)
            elif self._through_outage(self._beat):
                written, beaten = step, time.monotonic()

    def _through_outage(self, ask: Callable[[], bool]) -> bool:
        """Whether the database answered; the lease may outlast an outage, and if not, the save's guard finds out."""
        try:
            self._lost = not ask()
        except Unavailable:
            return False
        return True

    def _beat(self) -> bool:
        with unit_of_work(self._store.database) as session:
            return leases.heartbeat(session, self._claim, self._settings.lease_seconds, self._step, self._progress)

    def _look(self) -> bool:
        with unit_of_work(self._store.database, writing=False) as session:
            return self._claim.job_id in leases.standing(session, [self._claim])
