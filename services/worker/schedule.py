"""The scheduler: one process that does what must happen by the clock, each duty at its own interval.

Batches have threads of their own: planning a large archive, or an archive outside that is slow, delays nothing else.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from pipelines.core.errors import OverreadError
from pipelines.imaging.decoder import Decoder
from services.broker import Bell, open_bell
from services.log import logger
from services.settings import Settings
from services.store import audit, outbox
from services.store.ids import first_id_at
from services.store.session import unit_of_work
from services.store.stores import Store, open_store
from services.store.tables import OutboxEvent
from services.work import derived, drift_watch, spool, watermarks
from services.work.close import close_quiet
from services.work.collect import collect
from services.work.fetch import Fetcher
from services.work.inspection import INSPECT_SECONDS, Inspector
from services.work.places import Parts
from services.work.retention import Keeper
from services.work.sweep import Sweeper
from services.work.tend import SYSTEM, tend_all

log = logger("scheduler")
CLOSE_SECONDS: Final = 1.0
SPOOL_SECONDS: Final = 600.0
ROOM_SECONDS: Final = 5.0
RETENTION_SECONDS: Final = 60.0
DRIFT_SECONDS: Final = 3600.0
COUNT_SECONDS: Final = 1.0
#: One of the store's 256 folders a time, so that no other duty waits long: all of them in about four hours.
COLLECT_SECONDS: Final = 60.0
BATCH_SECONDS: Final = 1.0
FETCH_SECONDS: Final = 1.0

#: What looks at everything there ever was, for the little that those who look at the newest may have passed by.
THOROUGH_SECONDS: Final = 6 * 3600.0
RECENT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to do every so many seconds."""

    name: str
    seconds: float
    do: Callable[[], object]


def duties(store: Store, bell: Bell, settings: Settings) -> list[Duty]:
    """All there is to do."""
    return [
        Duty("number_events", settings.outbox_seconds, lambda: _number_events(store)),
        Duty("close_quiet", CLOSE_SECONDS, lambda: close_quiet(store, bell, settings)),
        Duty("sweep", settings.sweep_seconds, Sweeper(store, bell).sweep),
        Duty("derived_series", settings.sweep_seconds, lambda: derived.sweep(store, bell, _recently())),
        Duty("all_derived_series", THOROUGH_SECONDS, lambda: derived.sweep(store, bell)),
        Duty("watch_room", ROOM_SECONDS, lambda: watermarks.watch(store, settings)),
        Duty("seal_audit", settings.seal_seconds, lambda: audit.seal(store)),
        Duty("seal_late_audit", THOROUGH_SECONDS, lambda: audit.seal_late(store)),
        Duty("clean_spool", SPOOL_SECONDS, lambda: spool.clean(settings)),
        Duty("collect", COLLECT_SECONDS, lambda: _collect(store, settings.collect_grace_seconds)),
    ]


def batch_duties(store: Store, bell: Bell, settings: Settings) -> list[Duty]:
    """What there is to do for batches."""
    return [Duty("tend_batches", BATCH_SECONDS, lambda: tend_all(store, bell, settings))]


def fetch_duties(fetcher: Fetcher) -> list[Duty]:
    """What there is to fetch for batches: one thing after another as long as there is any."""

    def fetch_all() -> None:
        while fetcher.step() and not fetcher.is_stopping():
            pass

    return [Duty("fetch", FETCH_SECONDS, fetch_all)]


def housekeeping(store: Store, settings: Settings) -> list[Duty]:
    """What there is to do for the stored bytes, slowly."""
    keeper, inspector, counter = Keeper(store, settings), Inspector(store), drift_watch.Counter(store)
    return [
        Duty("retention", RETENTION_SECONDS, keeper.round),
        Duty("inspect", INSPECT_SECONDS, inspector.round),
        Duty("count_older_results", COUNT_SECONDS, counter.round),
        Duty("watch_drift", DRIFT_SECONDS, lambda: drift_watch.watch(store, settings)),
    ]


def keep_all(schedules: Sequence[Sequence[Duty]], stopping: Event) -> None:
    """Keep several schedules, each in a thread of its own; a defect that ends one ends all, and is raised."""

    def keep_or_stop(schedule: Sequence[Duty]) -> None:
        try:
            keep(schedule, stopping)
        finally:
            stopping.set()

    with ThreadPoolExecutor(len(schedules), "schedule") as threads:
        for ended in [threads.submit(keep_or_stop, schedule) for schedule in schedules]:
            ended.result()


def keep(schedule: Sequence[Duty], stopping: Event) -> None:
    """Do each duty when it is due until `stopping`; one that fails is logged and tried again at its next time."""
    due = {duty.name: 0.0 for duty in schedule}
    while not stopping.is_set():
        for duty in schedule:
            if time.monotonic() >= due[duty.name]:
                _try(duty)
                due[duty.name] = time.monotonic() + duty.seconds
        stopping.wait(max(0.0, min(due.values()) - time.monotonic()))


def _try(duty: Duty) -> None:
    try:
        duty.do()
    except (OverreadError, SQLAlchemyError, OSError):
        log.exception("scheduler.duty_failed", duty=duty.name)


def _recently() -> str:
    return first_id_at(datetime.now(UTC) - RECENT)


def _number_events(store: Store) -> None:
    """Number new events; looks before it asks for the write lock, since it looks often."""
    with unit_of_work(store.database, writing=False) as session:
        new = session.scalar(select(exists().where(OutboxEvent.number.is_(None))))
    if new:
        outbox.number_rows(store)


def _collect(store: Store, grace_seconds: float) -> None:
    """Collect in the folder whose turn it is by the clock: a scheduler that starts anew goes on where it was."""
    folders = store.blobs.folders()
    collect(store, folders[int(time.time() // COLLECT_SECONDS) % len(folders)], grace_seconds)


def run_scheduler(settings: Settings) -> None:
    """Keep the schedule until SIGTERM or SIGINT."""
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    bell = open_bell(settings)
    with (
        closing(open_store(settings)) as store,
        Decoder(settings.decoder_memory_bytes, settings.decoder_timeout_seconds) as decoder,
        closing(Fetcher(Parts(store, settings, bell, decoder, SYSTEM, "batch"), stopping.is_set)) as fetcher,
    ):
        schedules = [
            duties(store, bell, settings),
            batch_duties(store, bell, settings),
            fetch_duties(fetcher),
            housekeeping(store, settings),
        ]
        keep_all(schedules, stopping)
