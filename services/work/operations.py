"""How the system does, in one look: queues, workers, room, what failed and what was not delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.settings import Settings
from services.store import alarms, deliveries, failures, workers
from services.store.clock import utcnow
from services.store.entries import offered_queues
from services.store.queues import QueueState, queue_states
from services.store.room import Level, Room
from services.store.session import unit_of_work
from services.store.states import DeliveryState, JobState
from services.store.stores import Store
from services.store.tables import Alarm
from services.store.workers import WorkerState


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at one moment; `levels` are measured a moment before."""

    at: datetime
    queues: Sequence[QueueState]
    workers: Sequence[WorkerState]
    alarms: Sequence[Alarm]
    levels: Sequence[Level]
    failed: int
    quarantined: int
    dead_deliveries: int


def look(store: Store, settings: Settings) -> Overview:
    """How everything does now. Raises DatabaseUnavailable."""
    levels = Room(settings, store.blobs.quota).levels()
    with unit_of_work(store.database, writing=False) as session:
        return Overview(
            at=session.execute(utcnow().select()).scalar_one(),
            queues=queue_states(session, offered_queues()),
            workers=workers.worker_states(session, settings.worker_presence_seconds),
            alarms=alarms.open_alarms(session),
            levels=levels,
            failed=failures.count_failed(session, JobState.FAILED),
            quarantined=failures.count_failed(session, JobState.QUARANTINED),
            dead_deliveries=deliveries.count_in(session, DeliveryState.DEAD),
        )
