"""What a person decides about models: which version is in use."""

from __future__ import annotations

from services.store import audit, models, outbox
from services.store.session import unit_of_work
from services.store.stores import Store


def promote(store: Store, actor: str, name: str, version: str, reason: str) -> None:
    """Make a version the one that reads new studies; raises UnknownModel."""
    with unit_of_work(store.database) as session:
        row = models.find_version(session, name, version)
        models.promote(session, row.id, actor, reason)
        audit.record(session, actor, "model.promoted", model=row.id)
        outbox.emit(session, "model", None, {"model": row.id, "state": "active"})


def retire(store: Store, actor: str, name: str, version: str, reason: str) -> None:
    """Take a version out of use; raises UnknownModel."""
    with unit_of_work(store.database) as session:
        row = models.find_version(session, name, version)
        models.retire(session, row.id, actor, reason)
        audit.record(session, actor, "model.retired", model=row.id)
        outbox.emit(session, "model", None, {"model": row.id, "state": "retired"})
