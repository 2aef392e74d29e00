"""What a person decides about models: which version is in use, and which one reads silently beside it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from pipelines.core.errors import UnknownModel
from services.store import audit, models, outbox
from services.store.session import unit_of_work
from services.store.states import ModelState
from services.store.stores import Store
from services.work.comparison import comparison_of


def promote(store: Store, actor: str, name: str, version: str, reason: str) -> None:
    """Make a version the one that reads new studies, and keep with it how it compares with the one before.

    What was read stays as it was read: a batch reads it again. Raises UnknownModel.
    """
    figures = _figures(store, name, version)
    with unit_of_work(store.database) as session:
        row = models.find_version(session, name, version)
        models.promote(session, row.id, actor, reason, figures)
        _tell(session, actor, "promoted", row.id, ModelState.ACTIVE)


def shadow(store: Store, actor: str, name: str, version: str, reason: str) -> None:
    """Let a version read every new study beside the one in use, silently; raises UnknownModel, Conflict."""
    with unit_of_work(store.database) as session:
        row = models.find_version(session, name, version)
        models.shadow(session, row.id, actor, reason)
        _tell(session, actor, "shadowed", row.id, ModelState.SHADOW)


def roll_back(store: Store, actor: str, name: str, reason: str) -> str:
    """Put the version that was in use before back, with how the two compare; its number. Raises UnknownModel."""
    with unit_of_work(store.database, writing=False) as session:
        version = models.former_version(session, name).version
    figures = _figures(store, name, version)
    with unit_of_work(store.database) as session:
        row = models.find_version(session, name, version)
        models.promote(session, row.id, actor, reason, figures)
        _tell(session, actor, "rolled_back", row.id, ModelState.ACTIVE)
    return version


def retire(store: Store, actor: str, name: str, version: str, reason: str) -> None:
    """Take a version out of use; raises UnknownModel."""
    with unit_of_work(store.database) as session:
        row = models.find_version(session, name, version)
        models.retire(session, row.id, actor, reason)
        _tell(session, actor, "retired", row.id, ModelState.RETIRED)


def _figures(store: Store, name: str, version: str) -> dict[str, Any] | None:
    """The comparison with the version in use; None where there is none, or no image that both have read. Any: JSON."""
    try:
        figures = comparison_of(store, name, version)
    except UnknownModel:
        return None
    return figures if figures["n"] else None


def _tell(session: Session, actor: str, act: str, version_id: str, state: ModelState) -> None:
    audit.record(session, actor, f"model.{act}", model=version_id)
    outbox.emit(session, "model", None, {"model": version_id, "state": state.value})
