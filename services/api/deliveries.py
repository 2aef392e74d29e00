"""Deliveries: which result went where, what waits for its next try, and what was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import BadCursor, Conflict, NotFound
from services.api.deps import Admin, RowId, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, pack
from services.intake.idempotency import IdempotencyHeader, once
from services.store import audit, deliveries, lists
from services.store.session import unit_of_work
from services.store.states import DeliveryState
from services.store.tables import Delivery

router = APIRouter(prefix="/deliveries", tags=["administration"])


class DeliveryView(BaseModel):
    """A result on its way to a destination."""

    id: str
    result_id: str
    study_id: str
    destination: str = Field(description="The destination's name, as it was set up.", examples=["archive"])
    state: DeliveryState
    attempts: int
    next_try_at: datetime | None
    error: str | None = Field(description="What the last try met.")
    created_at: datetime


@router.get("", summary="Deliveries, newest first", responses=problems(BadCursor))
def delivery_list(
    actor: Admin,
    store: TheStore,
    state: Annotated[DeliveryState | None, Query(description="Only these.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeliveryView]:
    """Empty while no destination is set up: results then leave only with those who fetch them."""
    where = [Delivery.state == state] if state is not None else []
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.newest_first(session, Delivery, after_id(cursor), limit + 1, *where)
        studies = deliveries.studies_of(session, {row.result_id for row in rows})
    shown = [delivery_view(row, studies[row.result_id]) for row in rows[:limit]]
    return Page(items=shown, next_cursor=pack(shown[-1].id) if len(rows) > limit else None)


@router.post(
    "/{delivery_id}/retry",
    summary="Send a delivery again that was given up",
    response_model=DeliveryView,
    responses=problems(NotFound, Conflict),
)
def send_again(
    delivery_id: RowId, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """Its tries are counted from nothing."""

    def act() -> DeliveryView:
        with unit_of_work(store.database) as session:
            row = deliveries.send_again(session, delivery_id)
            study_id = deliveries.studies_of(session, [row.result_id])[row.result_id]
            audit.record(session, actor.id_string, "delivery.retried", study_id, delivery=delivery_id)
            return delivery_view(row, study_id)

    return once(store, actor, request, None, idempotency_key, act)


def delivery_view(row: Delivery, study_id: str) -> DeliveryView:
    """A delivery's row as JSON."""
    return DeliveryView(
        id=row.id,
        result_id=row.result_id,
        study_id=study_id,
        destination=row.destination,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_try_at=row.next_try_at,
        error=row.error,
        created_at=row.created_at,
    )
