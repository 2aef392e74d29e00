"""The model registry: versions, whose bundles are blobs, and append-only events whose newest is the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, ModelError, UnknownModel
from services.store.bundles import unpack
from services.store.locks import Lock, only_writer
from services.store.states import ModelState
from services.store.stores import Store
from services.store.tables import ModelEvent, ModelVersion

SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class StatedVersion:
    """A version with its newest event."""

    version: ModelVersion
    event: ModelEvent

    @property
    def state(self) -> ModelState:
        """What the newest event says."""
        return ModelState(self.event.state)


def promote(
    session: Session, model_version_id: str, actor: str, reason: str, comparison: Mapping[str, Any] | None = None
) -> None:
    """Make a version the active one of its model; the one before is registered again. Raises UnknownModel.

    `comparison` is what the decision rested on, kept with it. Any: figures as JSON.
    """
    only_writer(session, Lock.MODELS)
    version = get_version(session, model_version_id)
    before = active_version(session, version.name)
    if before is not None and before.id == version.id:
        return
    if before is not None:
        add_event(session, before.id, ModelState.REGISTERED, actor, f"{version.version} took its place")
    add_event(session, version.id, ModelState.ACTIVE, actor, reason, comparison)


def shadow(session: Session, model_version_id: str, actor: str, reason: str) -> None:
    """Let a version read beside the active one, silently. Raises UnknownModel, Conflict for the active version."""
    only_writer(session, Lock.MODELS)
    version = get_version(session, model_version_id)
    active = active_version(session, version.name)
    if active is not None and active.id == version.id:
        raise Conflict("the version in use cannot be its own shadow", code="model_active")
    if events_of(session, version.id)[-1].state != ModelState.SHADOW:
        add_event(session, version.id, ModelState.SHADOW, actor, reason)


def former_version(session: Session, model: str) -> ModelVersion:
    """The version to go back to; raises UnknownModel where there is none."""
    version = version_before(session, model)
    if version is None:
        raise UnknownModel("no other version was in use before: `promote` names one")
    return version


def version_before(session: Session, model: str) -> ModelVersion | None:
    """The version that was put to use before the one that is, and that nobody retired; None where there is none.

    Going back undoes: what was rolled back is not come back to by rolling back once more.
    """
    activated = (
        select(ModelVersion)
        .join(ModelEvent, ModelEvent.model_version_id == ModelVersion.id)
        .where(ModelVersion.name == model, ModelEvent.state == ModelState.ACTIVE)
        .order_by(ModelEvent.id)
    )
    path: list[ModelVersion] = []
    for version in session.scalars(activated):
        path = [*path[: path.index(version)], version] if version in path else [*path, version]
    states = {stated.version.id: stated.state for stated in list_versions(session, model)}
    for version in reversed(path):
        if states[version.id] not in (ModelState.ACTIVE, ModelState.RETIRED):
            return version
    return None


def retire(session: Session, model_version_id: str, actor: str, reason: str) -> None:
    """Take a version out of use; no pipeline of a model without an active version routes. Raises UnknownModel."""
    only_writer(session, Lock.MODELS)
    add_event(session, get_version(session, model_version_id).id, ModelState.RETIRED, actor, reason)


def add_event(
    session: Session,
    model_version_id: str,
    state: ModelState,
    actor: str,
    reason: str,
    comparison: Mapping[str, Any] | None = None,
) -> None:
    """Say what a version is from now on, by whom and why, and on which figures that rested. Any: JSON."""
    event = ModelEvent(model_version_id=model_version_id, state=state, actor=actor, reason=reason)
    if comparison is not None:
        event.comparison = dict(comparison)
    session.add(event)
    session.flush()


def active_version(session: Session, model: str) -> ModelVersion | None:
    """The version of this model whose newest event is `active`, or None: then no pipeline of it takes work."""
    for stated in list_versions(session, model):
        if stated.state is ModelState.ACTIVE:
            return stated.version
    return None


def shadow_versions(session: Session, model: str) -> list[ModelVersion]:
    """The versions of this model that read silently beside the active one, oldest first."""
    found = [stated.version for stated in list_versions(session, model) if stated.state is ModelState.SHADOW]
    return found[::-1]


def list_versions(session: Session, model: str | None = None) -> list[StatedVersion]:
    """All versions, or those of one model, with their states, newest registered first."""
    newest = (
        select(func.max(ModelEvent.id))
        .where(ModelEvent.model_version_id == ModelVersion.id)
        .correlate(ModelVersion)
        .scalar_subquery()
    )
    query = select(ModelVersion, ModelEvent).join(ModelEvent, ModelEvent.id == newest).order_by(ModelVersion.id.desc())
    if model is not None:
        query = query.where(ModelVersion.name == model)
    return [StatedVersion(version, event) for version, event in session.execute(query)]


def events_of(session: Session, model_version_id: str) -> Sequence[ModelEvent]:
    """A version's history, oldest first."""
    return session.scalars(
        select(ModelEvent).filter_by(model_version_id=model_version_id).order_by(ModelEvent.id)
    ).all()


def get_version(session: Session, model_version_id: str) -> ModelVersion:
    """The version of this id; raises UnknownModel."""
    version = session.get(ModelVersion, model_version_id)
    if version is None:
        raise UnknownModel("there is no model version of this id")
    return version


def find_version(session: Session, name: str, version: str) -> ModelVersion:
    """The version of this name and number; raises UnknownModel."""
    row = session.scalar(select(ModelVersion).filter_by(name=name, version=version))
    if row is None:
        raise UnknownModel("there is no model of this name and version")
    return row


def fetch_bundle(store: Store, version: ModelVersion, cache_dir: Path) -> Path:
    """The version's bundle as a local folder, fetched once into `cache_dir` and named by its digest.

    Raises NotFound where the blob is gone, ModelError where its bytes are not the registered ones.
    """
    folder = cache_dir / version.sha256
    if folder.is_dir():
        return folder
    with store.blobs.local_path(version.bundle_sha256) as tar:
        if store.blobs.digest(version.bundle_sha256) != version.sha256:
            raise ModelError("the stored bundle is damaged", code="bundle_damaged")
        unpack(tar, folder)
    return folder
