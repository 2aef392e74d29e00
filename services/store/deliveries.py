"""Deliveries: which result goes to which destination, how far that is, and what a person sends anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, NotFound
from services.store.clock import utcnow
from services.store.states import DeliveryState
from services.store.tables import Delivery, Result


def send_again(session: Session, delivery_id: str) -> Delivery:
    """Try one that was given up anew, its tries forgotten; raises NotFound, or Conflict in any other state."""
    row = session.get(Delivery, delivery_id, with_for_update=True)
    if row is None:
        raise NotFound("there is no delivery of this id")
    if row.state != DeliveryState.DEAD:
        raise Conflict("only a delivery that was given up is sent again", code="illegal_state", state=row.state)
    row.state, row.attempts, row.error = DeliveryState.WAITING, 0, None
    row.next_try_at = utcnow()
    session.flush()
    session.refresh(row)
    return row


def studies_of(session: Session, result_ids: Collection[str]) -> Mapping[str, str]:
    """Which study each of the results belongs to."""
    rows = session.execute(select(Result.id, Result.study_id).where(Result.id.in_(sorted(result_ids))))
    return {row.id: row.study_id for row in rows}


def count_in(session: Session, state: DeliveryState) -> int:
    """How many deliveries stand so."""
    return session.execute(select(func.count()).select_from(Delivery).where(Delivery.state == state)).scalar_one()
