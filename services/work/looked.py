"""A reader says that they have looked at what a batch changed, or takes that back: kept for all, with an audit row."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, NotFound
from services.store import audit, batches, looks
from services.store.blind import reads_blind
from services.store.looks import Mark
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import BatchItem, Result


@dataclass(frozen=True, slots=True)
class Seer:
    """Who looks: `actor` goes to the audit, `user_id` is the person."""

    actor: str
    user_id: str


def see(store: Store, seer: Seer, batch_id: str, item_id: str, new_result_id: str) -> Mark:
    """Mark a change as seen; where a reader has done so already, that one's mark stays.

    `new_result_id` is the answer that was looked at. Raises NotFound, also of what this person reads blind still;
    Conflict `read_again` where it is another by now.
    """
    with unit_of_work(store.database) as session:
        item = _open(session, seer, batch_id, item_id)
        if item.new_result_id != new_result_id:
            raise Conflict("it was read again since you looked; nothing was marked, look once more", code="read_again")
        if looks.mark_seen(session, item, seer.user_id):
            _tell(session, seer, item, "batch.change_seen")
        return looks.marks_of(session, [item])[item.id]


def unsee(store: Store, seer: Seer, batch_id: str, item_id: str) -> None:
    """Take one's own mark back; what is not marked stays so. Raises NotFound, Conflict `seen_by_another`."""
    with unit_of_work(store.database) as session:
        item = _open(session, seer, batch_id, item_id)
        if looks.unmark_seen(session, item, seer.user_id):
            _tell(session, seer, item, "batch.change_unseen")


def _open(session: Session, seer: Seer, batch_id: str, item_id: str) -> BatchItem:
    item = looks.lock_change(session, batch_id, item_id)
    slot_id = session.get_one(Result, item.new_result_id).slot_id
    if reads_blind(session, seer.user_id, slot_id):
        raise NotFound("there is no change of this id in the batch")
    return item


def _tell(session: Session, seer: Seer, item: BatchItem, action: str) -> None:
    audit.record(session, seer.actor, action, item.study_id, batch=item.batch_id, change=item.id)
    batches.announce(session, batches.get_batch(session, item.batch_id))
