"""Registers somebody else's MONAI bundle after its check: its bytes, what was found, and who let its code run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict
from pipelines.core.zoo import Trust, ZooBundle
from pipelines.registry import ENTRIES
from services.store import audit, models, registration
from services.store.entries import FACTS_KEY
from services.store.registration import NewVersion
from services.store.states import ModelState
from services.store.stores import Store
from services.store.tables import ModelVersion

CARDS = ("docs/README.md", "README.md")


def add_zoo_bundle(store: Store, folder: Path, bundle: ZooBundle, metadata: Mapping[str, Any], actor: str) -> str:
    """Register a checked bundle; returns the version's id. The first version of a bundle is in use at once.

    Running its own code is a decision of its own in the audit. Raises Conflict where the version, or the name, is
    taken; ModelError where its number is another's. `metadata` is its configs/metadata.json.
    """
    if bundle.name in ENTRIES or any(entry.model == bundle.name for entry in ENTRIES.values()):
        raise Conflict(
            "a pipeline of this name came with Overread; choose another with --name", code="model_name_taken"
        )

    def begin(session: Session, row: ModelVersion) -> None:
        models.add_event(session, row.id, ModelState.REGISTERED, actor, "added")
        if bundle.trust is Trust.CODE:
            audit.record(session, actor, "model.trusted", model=row.id, digest=bundle.digest)
        if models.active_version(session, bundle.name) is None and _is_first(session, bundle.name):
            models.add_event(session, row.id, ModelState.ACTIVE, actor, "first version of the bundle")

    new = NewVersion(
        name=bundle.name,
        version=bundle.version,
        weights_sha256=bundle.weights_sha256,
        pipeline=bundle.name,
        thresholds={},
        facts=_facts(metadata, bundle),
        card=_card(folder, metadata),
    )
    made = registration.register(store, folder, new, actor, begin)
    if made is None:
        raise Conflict("this version of the model is registered already", code="model_exists")
    return made


def _is_first(session: Session, name: str) -> bool:
    return len(models.list_versions(session, name)) == 1


def _facts(metadata: Mapping[str, Any], bundle: ZooBundle) -> dict[str, Any]:
    """The bundle's own metadata with what the check found; figures only where they are figures by name."""
    facts = {**metadata, FACTS_KEY: bundle.as_facts()}
    if not isinstance(facts.get("eval_metrics", {}), dict):
        del facts["eval_metrics"]
    return facts


def _card(folder: Path, metadata: Mapping[str, Any]) -> str:
    found = next((folder / name for name in CARDS if (folder / name).is_file()), None)
    if found is not None:
        return found.read_text("utf-8", errors="replace").replace("\0", "")
    return f"# {metadata.get('name') or folder.name}\n\n{metadata.get('description', '')}\n"
