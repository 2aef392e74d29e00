"""Looking at lists: it is written down before they tell anybody what machines said, for who reads blind later."""

from __future__ import annotations

from contextlib import suppress

from pipelines.core.errors import DatabaseUnavailable, StorageFull
from services.store import shown
from services.store.session import unit_of_work
from services.store.stores import Store


def leave_trace_of_lists(store: Store, actor: str, reader: str) -> None:
    """Commit that a person is shown lists that tell of answers; `actor` is the credential, `reader` the person."""
    with unit_of_work(store.database, writing=False) as session:
        if shown.is_list_noted(session, actor):
            return
    # A list is what people find their way by: it comes, unnoted, where a full disk takes nothing more.
    with suppress(StorageFull, DatabaseUnavailable), unit_of_work(store.database) as session:
        shown.note_list(session, actor, reader)
