"""Looking things up in the audit: by index whatever is asked, and never more of the chain than its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from services.store import audit, audit_search, lists
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import AuditRow
from tests.services.store.plans import Plan, plans_of

NOW = datetime.now(UTC)


def of_actor(session: Session) -> object:
    """A page of what one did."""
    return lists.newest_first(session, AuditRow, None, 50, AuditRow.actor == "user:x")


def of_action(session: Session) -> object:
    """A page of what was done in one way, of a day."""
    day = audit_search.between(NOW - timedelta(days=1), NOW)
    return lists.newest_first(session, AuditRow, None, 50, AuditRow.action == "queue.paused", *day)


def plans(store: Store, ask: Callable[[Session], object]) -> list[Plan]:
    """How the database answers it."""
    with unit_of_work(store.database) as session:
        for number in range(20):
            audit.record(session, f"user:{number}", f"action.{number}")

    def asked() -> None:
        with unit_of_work(store.database, writing=False) as session:
            ask(session)

    return plans_of(store, asked)


@pytest.mark.parametrize(
    ("ask", "index"),
    [(of_actor, "ix_audit_actor"), (of_action, "ix_audit_action"), (audit_search.actions, "ix_audit_action")],
)
def test_the_audit_is_searched_by_an_index_in_the_order_of_time(
    each_store: Store, ask: Callable[[Session], object], index: str
) -> None:
    found = plans(each_store, ask)
    assert [plan for plan in found if index not in " ".join(plan.lines) or plan.sorts] == []


def test_every_action_there_is_is_named_once(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        for action in ("queue.paused", "key.added", "queue.paused"):
            audit.record(session, "system", action)
    with unit_of_work(each_store.database, writing=False) as session:
        assert audit_search.actions(session) == ["key.added", "queue.paused"]
