"""What readers looked at of what a batch changed: found gravest first, marked as seen, and counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Double, and_, case, func, literal, select, tuple_
from sqlalchemy.orm import Session

from pipelines.core.change import ChangeKind
from pipelines.core.errors import Conflict, NotFound
from services.store.blind import withheld_slots
from services.store.clock import utcnow
from services.store.tables import BatchItem, Result, SecondRead, User, WorklistRow


@dataclass(frozen=True, slots=True)
class Weighed:
    """An item's place in the order of weight: a page begins behind one."""

    weight: float
    id: str


@dataclass(frozen=True, slots=True)
class Sought:
    """Changes of a batch: of one kind, or all that a person should see; `unseen`: those nobody has looked at yet."""

    batch_id: str
    kind: ChangeKind | None = None
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """How many changes there are, how many of them a reader marked, and how many wait for somebody to look still.

    The rest is settled: a reader has signed the study since, so that the worklist does not mark it.
    """

    changes: int
    seen: int
    left: int


@dataclass(frozen=True, slots=True)
class Mark:
    """The reader who looked at a change first, and when."""

    user: User
    at: datetime


def changed_items(session: Session, sought: Sought, after: Weighed | None, limit: int) -> Sequence[BatchItem]:
    """Up to `limit` compared items behind `after`, the gravest first."""
    query = select(BatchItem).where(*_of(sought))
    if after is not None:
        place = tuple_(literal(after.weight, Double), literal(after.id))
        query = query.where(tuple_(BatchItem.weight, BatchItem.id) < place)
    return session.scalars(query.order_by(BatchItem.weight.desc(), BatchItem.id.desc()).limit(limit)).all()


def count_looked(session: Session, sought: Sought, reader: str | None) -> Looked:
    """Counts over the changes that `reader` (a person's id) does not read blind still."""
    hidden = _withheld(session, sought, reader)
    counted = select(
        func.count(BatchItem.id),
        func.count(BatchItem.seen_by_id),
        func.count(case((_waits_for_a_look(), BatchItem.id))),
    ).where(*_of(sought))
    if hidden:
        counted = counted.where(BatchItem.id.not_in(sorted(hidden)))
    changes, seen, left = session.execute(counted).one()
    return Looked(changes, seen, left)


def lock_change(session: Session, batch_id: str, item_id: str) -> BatchItem:
    """A compared item of the batch, nobody else's until the end of the transaction; raises NotFound."""
    item = session.get(BatchItem, item_id, with_for_update=True, populate_existing=True)
    if item is None or item.batch_id != batch_id or item.new_result_id is None:
        raise NotFound("there is no change of this id in the batch")
    return item


def marks_of(session: Session, items: Collection[BatchItem]) -> Mapping[str, Mark]:
    """The marks of those of the items that have one, by item."""
    readers = sorted({item.seen_by_id for item in items if item.seen_by_id is not None})
    users = {user.id: user for user in session.scalars(select(User).where(User.id.in_(readers)))}
    return {
        item.id: Mark(users[item.seen_by_id], item.seen_at)
        for item in items
        if item.seen_by_id is not None and item.seen_at is not None
    }


def mark_seen(session: Session, item: BatchItem, user_id: str) -> bool:
    """Say that a reader looked at the change; whether anything was said: who looked first stays."""
    if item.seen_by_id is not None:
        return False
    item.seen_by_id, item.seen_at = user_id, utcnow()
    session.flush()
    session.refresh(item)
    return True


def unmark_seen(session: Session, item: BatchItem, user_id: str) -> bool:
    """Take a reader's own mark back; whether there was one. Raises Conflict where it is another reader's."""
    if item.seen_by_id is None:
        return False
    if item.seen_by_id != user_id:
        raise Conflict("another reader has looked at it, and only they take that back", code="seen_by_another")
    item.seen_by_id = item.seen_at = None
    session.flush()
    return True


def _of(sought: Sought) -> list[ColumnElement[bool]]:
    which = BatchItem.weight > 0 if sought.kind is None else BatchItem.change == sought.kind
    conditions: list[ColumnElement[bool]] = [BatchItem.batch_id == sought.batch_id, which]
    return [*conditions, _waits_for_a_look()] if sought.unseen else conditions


def _waits_for_a_look() -> ColumnElement[bool]:
    """Nobody has marked it, and no signature has taken the worklist's mark of it away."""
    settled = (
        select(WorklistRow.id)
        .join(Result, Result.slot_id == WorklistRow.slot_id)
        .where(Result.id == BatchItem.new_result_id)
        .where(WorklistRow.change_batch_id.is_distinct_from(BatchItem.batch_id))
    )
    return and_(BatchItem.seen_by_id.is_(None), ~settled.exists())


def _withheld(session: Session, sought: Sought, reader: str | None) -> frozenset[str]:
    """Items that are not shown to this reader: of the few slots that a rule sent to a blinded second reader."""
    blinded = session.execute(
        select(BatchItem.id, Result.slot_id)
        .join(Result, Result.id == BatchItem.new_result_id)
        .join(SecondRead, SecondRead.slot_id == Result.slot_id)
        .where(SecondRead.blinded, *_of(sought))
    ).all()
    hidden = withheld_slots(session, reader, {row.slot_id for row in blinded})
    return frozenset(row.id for row in blinded if row.slot_id in hidden)
