"""What a person may ask of a queue: pause it, let it go on, limit it; and whether there is room for more at all."""

from __future__ import annotations

from pipelines.core.errors import NotFound, QueueFull
from services.broker import Bell
from services.settings import Settings
from services.store import audit, queues
from services.store.entries import offered_queues
from services.store.queues import QueueState
from services.store.session import after_commit, unit_of_work
from services.store.states import Priority
from services.store.stores import Store


def states(store: Store) -> list[QueueState]:
    """Every queue as it is now."""
    with unit_of_work(store.database, writing=False) as session:
        return queues.queue_states(session, offered_queues())


def pause(store: Store, name: str, actor: str) -> QueueState:
    """Let nothing of the queue begin; what runs ends as it would. Raises NotFound."""
    _require(store, name)
    with unit_of_work(store.database) as session:
        queues.set_paused(session, name, actor, paused=True)
        audit.record(session, actor, "queue.paused", queue=name)
    return _state(store, name)


def resume(store: Store, bell: Bell, name: str, actor: str) -> QueueState:
    """Let the queue go on. Raises NotFound."""
    _require(store, name)
    with unit_of_work(store.database) as session:
        queues.set_paused(session, name, actor, paused=False)
        audit.record(session, actor, "queue.resumed", queue=name)
        after_commit(session, bell.ring, name)
    return _state(store, name)


def limit(store: Store, bell: Bell, name: str, running_limit: int | None, actor: str) -> QueueState:
    """Let so many workers be at the queue at once; None: any number. Raises NotFound, BadRequest."""
    _require(store, name)
    with unit_of_work(store.database) as session:
        queues.set_limit(session, name, actor, running_limit)
        audit.record(session, actor, "queue.limited", queue=name, limit=running_limit or 0)
        after_commit(session, bell.ring, name)
    return _state(store, name)


def require_room(store: Store, settings: Settings, priority: Priority) -> None:
    """Raises QueueFull where too many jobs wait already for anything but an urgent study to be taken in."""
    if priority is Priority.STAT or not settings.queue_max_jobs:
        return
    with unit_of_work(store.database, writing=False) as session:
        if queues.is_longer(session, settings.queue_max_jobs):
            raise QueueFull


def _state(store: Store, name: str) -> QueueState:
    return next(state for state in states(store) if state.name == name)


def _require(store: Store, name: str) -> None:
    if all(state.name != name for state in states(store)):
        raise NotFound("there is no queue of this name")
