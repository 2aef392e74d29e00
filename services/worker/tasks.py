"""The worker: a Celery consumer that hears rings and runs jobs in a reading process of its own."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

from celery import Celery, signals
from celery.platforms import EX_OK
from celery.worker import state
from sqlalchemy.exc import SQLAlchemyError

from pipelines.core.errors import DatabaseUnavailable, OverreadError
from pipelines.registry import ENTRIES
from services.broker import WORK_TASK, CeleryBell, make_app
from services.log import logger
from services.settings import Settings
from services.store import models
from services.store.entries import queues
from services.store.session import unit_of_work
from services.store.stores import Store, open_store
from services.work.run import run_one
from services.work.sweep import end_defective, take_back
from services.worker.deaths import resident_bytes
from services.worker.listening import Listening
from services.worker.presence import Presence
from services.worker.reader import Library, Reader
from services.worker.stops import hear_stops, hold_stops

log = logger("worker")


@dataclass(frozen=True)
class Worker:
    """What a worker process holds: its name, the store, the bell, and the process that reads for it."""

    name: str
    settings: Settings
    store: Store
    bell: CeleryBell
    library: Library
    stopping: Event = field(default_factory=Event)
    renewing: Event = field(default_factory=Event)  # ends between two jobs, to start anew

    def run(self, queue: str) -> bool:
        """Run the next due job of a queue; False where none is due."""
        library = self.library
        return run_one(self.store, self.bell, self.settings, queue, self.name, library, self.stopping.is_set)

    def let_go(self, error: Exception) -> None:
        """End what this worker still holds after a defect of its own; left to the sweeper where that fails too."""
        try:
            end_defective(self.store, self.bell, self.name, error)
        except (OverreadError, SQLAlchemyError):
            log.exception("worker.holds_on", worker=self.name)

    def is_grown(self) -> bool:
        """Whether this process itself, which computes nothing, holds more memory than it ever needs."""
        held = resident_bytes(os.getpid())
        return held is not None and held > self.settings.worker_process_bytes

    def prepare(self, queues: Sequence[str]) -> None:
        """Take back what an earlier process of this name held, and load the models that must answer at once."""
        taken = take_back(self.store, self.bell, self.name)
        log.info("worker.started", worker=self.name, taken_back=taken)
        for entry in ENTRIES.values():
            if entry.queue in queues and entry.is_warm:
                with unit_of_work(self.store.database, writing=False) as session:
                    version = models.active_version(session, entry.model)
                if version is not None:
                    self.library.warm(entry.name, version)


def queues_of(settings: Settings) -> list[str]:
    """The queues a worker of these settings serves: those named, or every one there can be work in."""
    named = [queue.strip() for queue in settings.worker_queues.split(",") if queue.strip()]
    return named or queues()


def default_name() -> str:
    """A name no other worker has now; a supervisor gives names that outlive a restart."""
    return f"{socket.gethostname()}-{os.getpid()}"


def register(app: Celery, worker: Worker) -> None:
    """Give the application its one task, and a consumer that never stops listening."""
    app.steps["consumer"].add(Listening)

    @app.task(name=WORK_TASK)  # type: ignore[untyped-decorator]
    def work(queue: str) -> None:
        try:
            worker.run(queue)
        except DatabaseUnavailable:
            log.warning("worker.waits", queue=queue)  # for the sweeper's ring, which comes when the database is back
        except Exception as error:
            # The consumer must live to hear the next ring, and the job it held must not wait for its lease.
            log.exception("worker.defect", queue=queue)
            worker.let_go(error)
        if worker.is_grown():
            worker.renewing.set()
            state.should_stop = EX_OK  # the consumer ends by itself once this ring is acknowledged


def consume(app: Celery, queues: Sequence[str], name: str, stopping: Event) -> None:
    """Hear rings one at a time until SIGTERM or SIGINT, which set `stopping` even while a job runs."""
    signals.worker_shutting_down.connect(lambda **_: stopping.set(), weak=False)
    # Jobs run in the reading process: a pool of Celery's own would hide how that process died.
    app.Worker(
        pool="solo",
        concurrency=1,
        queues=queues,
        hostname=name,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
    ).start()


def run_worker(settings: Settings, name: str | None = None) -> None:
    """Serve the queues of these settings until SIGTERM or SIGINT; a running job is given back."""
    hear_stops()  # until Celery, with handlers of its own
    app = make_app(settings)
    store = open_store(settings)
    reader = Reader(settings)
    worker = Worker(name or default_name(), settings, store, CeleryBell(app), Library(store, settings, reader))
    register(app, worker)
    queues = queues_of(settings)
    try:
        with Presence(store, settings, worker.name, queues, worker.renewing.is_set):
            try:
                worker.prepare(queues)
            except (OverreadError, SQLAlchemyError):
                # The database is away for the moment; the sweeper takes back what prepare would have.
                log.exception("worker.unprepared", worker=worker.name)
            consume(app, queues, worker.name, worker.stopping)
    finally:
        reader.end()
        store.close()
    if worker.renewing.is_set():
        renew(worker.stopping)


def renew(stopping: Event) -> None:
    """Begin this process anew under its own number, as small as it was at first; a supervisor sees nothing of it.

    Returns where it was asked to stop; what asks from then on is for the process that begins.
    """
    hold_stops()
    if stopping.is_set():
        return
    log.info("worker.renewed")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line again
