"""A worker's word that it is there: a thread that says so every few seconds, and goodbye at the end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from importlib.metadata import version
from types import TracebackType
from typing import Final

from pipelines.core.errors import Unavailable
from services.settings import Settings
from services.store import workers
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.workers import Arrival
from services.work.devices import NAME_LENGTH, device_of
from services.work.heartbeat import Heart
from services.worker.stops import hold_stops

#: What is installed under this name is this program.
PROGRAM: Final = "overread"


class Presence(Heart):
    """Says that a worker is there while its block runs, whatever the worker does meanwhile.

    Nothing relies on it: jobs are kept by their leases. So a word that the database cannot take is not said.
    """

    def __init__(
        self, store: Store, settings: Settings, name: str, queues: Sequence[str], comes_back: Callable[[], bool]
    ) -> None:
        """Nothing is said before the block begins; no goodbye where the process `comes_back` under its name."""
        super().__init__(store, settings)
        self._comes_back = comes_back
        self._arrival = Arrival(
            name=name,
            host=socket.gethostname()[:NAME_LENGTH],
            pid=os.getpid(),
            queues=queues,
            device=device_of(settings),
            version=version(PROGRAM),
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if not self._comes_back():
            self._through_outage(self._say_goodbye)

    def _run(self) -> None:
        hold_stops()  # what asks the worker to stop is for its own thread
        known = False
        while True:
            known = self._through_outage(self._say_here if known else self._arrive)
            if self._done.wait(self._settings.worker_presence_seconds):
                return

    def _through_outage(self, say: Callable[[], bool]) -> bool:
        """Whether the database took it, and knows the worker."""
        try:
            return say()
        except Unavailable:
            return False

    def _arrive(self) -> bool:
        with unit_of_work(self._store.database) as session:
            workers.arrive(session, self._arrival)
        return True

    def _say_here(self) -> bool:
        with unit_of_work(self._store.database) as session:
            return workers.say_here(session, self._arrival.name, self._arrival.pid)

    def _say_goodbye(self) -> bool:
        with unit_of_work(self._store.database) as session:
            workers.say_goodbye(session, self._arrival.name, self._arrival.pid)
        return True
