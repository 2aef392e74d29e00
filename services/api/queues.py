"""Queues: how much waits and runs in each; an administrator pauses, resumes and limits them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import BadRequest, NotFound
from services.api.deps import Admin, Technician, TheBell, TheStore
from services.api.errors import problems
from services.api.pages import Page
from services.intake.access import Actor
from services.intake.idempotency import IdempotencyHeader, once
from services.store.queues import MOST_RUNNING, QueueState
from services.store.stores import Store
from services.work import queues

router = APIRouter(prefix="/queues", tags=["jobs"])

QueueName = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00]*$", examples=["retinopathy"])]


class QueueView(BaseModel):
    """One queue as it is now, over all workers."""

    name: str
    paused: bool = Field(description="Nothing of it begins; what runs ends as it would.")
    running_limit: int | None = Field(description="So many workers may be at it at once; null: any number.")
    queued: int = Field(description="Jobs that wait for a worker.")
    held: int = Field(description="Jobs that wait for their batch: paused, or outside its window.")
    running: int = Field(description="Jobs that workers hold; those of a chunk of a batch count each.")
    busy: int = Field(description="Workers that are at it.")
    waiting_since: datetime | None = Field(description="When the oldest job that waits for a worker was made.")


class QueueLimit(BaseModel):
    """How many workers may be at a queue at once."""

    running_limit: int | None = Field(ge=1, le=MOST_RUNNING, description="Null: any number.", examples=[2])


@router.get("", summary="Queues by name", responses=problems())
def queue_list(actor: Technician, store: TheStore) -> Page[QueueView]:
    """All of them on one page."""
    return Page(items=[queue_view(state) for state in queues.states(store)])


@router.post("/{name}/pause", summary="Pause a queue", response_model=QueueView, responses=problems(NotFound))
def pause(
    name: QueueName, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """Harmless to repeat."""
    return _change(store, actor, request, None, idempotency_key, partial(queues.pause, store, name))


@router.post(
    "/{name}/resume", summary="Let a paused queue go on", response_model=QueueView, responses=problems(NotFound)
)
def resume(
    name: QueueName,
    request: Request,
    actor: Admin,
    store: TheStore,
    bell: TheBell,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """Harmless to repeat."""
    return _change(store, actor, request, None, idempotency_key, partial(queues.resume, store, bell, name))


@router.post(
    "/{name}/limit",
    summary="Limit the workers at a queue",
    response_model=QueueView,
    responses=problems(NotFound, BadRequest),
)
def limit(
    name: QueueName,
    body: QueueLimit,
    request: Request,
    actor: Admin,
    store: TheStore,
    bell: TheBell,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """A lower limit ends nothing that runs."""
    return _change(
        store, actor, request, body, idempotency_key, partial(queues.limit, store, bell, name, body.running_limit)
    )


def _change(
    store: Store,
    actor: Actor,
    request: Request,
    body: QueueLimit | None,
    key: str | None,
    change: Callable[[str], QueueState],
) -> Response:
    """Do it once, as this actor, and answer with the queue as it is then."""
    return once(store, actor, request, body, key, lambda: queue_view(change(actor.id_string)))


def queue_view(state: QueueState) -> QueueView:
    """A queue's state as JSON."""
    return QueueView(
        name=state.name,
        paused=state.paused,
        running_limit=state.running_limit,
        queued=state.queued,
        held=state.held,
        running=state.running,
        busy=state.busy,
        waiting_since=state.waiting_since,
    )
