"""Looking things up in the audit; test_plans.py holds which index finds them."""

from __future__ import annotations

from services.store import audit, audit_search
from services.store.session import unit_of_work
from services.store.stores import Store


def test_every_action_there_is_is_named_once(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        for action in ("queue.paused", "key.added", "queue.paused"):
            audit.record(session, "system", action)
    with unit_of_work(each_store.database, writing=False) as session:
        assert audit_search.actions(session) == ["key.added", "queue.paused"]
