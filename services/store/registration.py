"""Bundles that come into the model registry: bytes kept, a version's row made once, its first states written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.bundle_files import METADATA
from pipelines.core.errors import Conflict, ModelError, UnknownModel
from pipelines.registry import ENTRIES
from services.store import audit
from services.store.bundles import BUNDLE_MEDIA_TYPE, pack, read_bundle
from services.store.locks import Lock, only_writer
from services.store.models import SYSTEM, active_version, add_event, promote
from services.store.session import unit_of_work
from services.store.states import ModelState
from services.store.stores import Store
from services.store.tables import ModelEvent, ModelVersion


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to register: `pipeline` is the one that runs it, `facts` what the registry shows of its metadata."""

    name: str
    version: str
    weights_sha256: str
    pipeline: str
    thresholds: Mapping[str, Any]  # JSON
    facts: Mapping[str, Any]  # JSON
    card: str


def seed(store: Store, models_dir: Path) -> list[str]:
    """Register every bundle folder in `models_dir` that is new; returns the ids of the versions made.

    The first version of a model becomes active, a newer seeded one too, unless a person chose otherwise before.
    """
    folders = sorted(path.parent.parent for path in models_dir.glob(f"*/{METADATA}"))
    return [made for folder in folders if (made := _register(store, folder, SYSTEM, seeded=True)) is not None]


def add_bundle(store: Store, folder: Path, actor: str) -> str:
    """Register one bundle folder by hand, state `registered`; returns the version's id. Raises Conflict, ModelError."""
    made = _register(store, folder, actor, seeded=False)
    if made is None:
        raise Conflict("this version of the model is registered already", code="model_exists")
    return made


def _register(store: Store, folder: Path, actor: str, *, seeded: bool) -> str | None:
    bundle = read_bundle(folder)
    new = NewVersion(
        name=bundle.name,
        version=bundle.version,
        weights_sha256=bundle.weights_sha256,
        pipeline=pipeline_of(bundle.name),
        thresholds=bundle.thresholds,
        facts=bundle.facts,
        card=bundle.card,
    )
    return register(store, folder, new, actor, lambda session, row: _begin(session, row, actor, seeded=seeded))


def register(
    store: Store, folder: Path, new: NewVersion, actor: str, begin: Callable[[Session, ModelVersion], None]
) -> str | None:
    """Keep the folder's bytes and make the version's row, whose first states `begin` writes in the same transaction.

    Returns the version's id, None where it is registered already. Raises ModelError where its number is another's.
    """
    with tempfile.TemporaryDirectory() as scratch:
        tar = Path(scratch) / "bundle.tar"
        sha256 = pack(folder, tar)
        with unit_of_work(store.database, writing=False) as session:
            if _known(session, new, sha256):
                return None
        published = store.blobs.publish(tar, sha256, BUNDLE_MEDIA_TYPE)
    with unit_of_work(store.database) as session:
        only_writer(session, Lock.MODELS)
        if _known(session, new, sha256):
            return None
        store.blobs.record(session, published)
        version = ModelVersion(
            name=new.name,
            version=new.version,
            sha256=sha256,
            weights_sha256=new.weights_sha256,
            pipeline=new.pipeline,
            bundle_sha256=sha256,
            thresholds=dict(new.thresholds),
            facts=dict(new.facts),
            card=new.card,
        )
        session.add(version)
        session.flush()
        begin(session, version)
        if actor != SYSTEM:
            audit.record(session, actor, "model.added", model=version.id)
        return version.id


def pipeline_of(model: str) -> str:
    """The first pipeline that runs models of this name; several may share one. Raises UnknownModel."""
    found = next((entry.name for entry in ENTRIES.values() if entry.model == model), None)
    if found is None:
        raise UnknownModel("no pipeline runs a model of this name")
    return found


def _known(session: Session, new: NewVersion, sha256: str) -> bool:
    row = session.scalar(select(ModelVersion).filter_by(name=new.name, version=new.version))
    if row is not None and row.sha256 != sha256:
        raise ModelError(
            f"another bundle is registered as {new.name} {new.version}: give a changed bundle a new version",
            code="model_version_taken",
        )
    other = session.scalar(select(ModelVersion).filter_by(sha256=sha256)) if row is None else None
    if other is not None:
        raise Conflict(f"this very bundle is registered as {other.name} {other.version}", code="model_exists")
    return row is not None


def _begin(session: Session, version: ModelVersion, actor: str, *, seeded: bool) -> None:
    add_event(session, version.id, ModelState.REGISTERED, actor, "came with the release" if seeded else "added")
    before = active_version(session, version.name)
    chosen_by_person = session.scalar(
        select(ModelEvent.id)
        .join(ModelVersion, ModelVersion.id == ModelEvent.model_version_id)
        .where(ModelVersion.name == version.name, ModelEvent.actor != SYSTEM)
        .where(ModelEvent.state.in_([ModelState.ACTIVE, ModelState.RETIRED]))
        .limit(1)
    )
    if not seeded or chosen_by_person is not None:
        return
    if before is None:
        add_event(session, version.id, ModelState.ACTIVE, actor, "first version of the model")
    elif _release(version.version) > _release(before.version):
        promote(session, version.id, actor, "newer version came with the release")


def _release(version: str) -> tuple[int, ...]:
    # "1.10.0" is newer than "1.9.2"; anything after the numbers (a pre-release word) counts as older than none.
    numbers = version.split("-", 1)[0].split(".")
    return (*(int(number) if number.isdecimal() else 0 for number in numbers), 0 if "-" in version else 1)
