"""All the pipelines there are here: those of the release, and one for each MONAI bundle that was registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.entry import Entry
from pipelines.core.zoo import QUEUE, ZooBundle
from pipelines.registry import ENTRIES, OFFERED
from services.store.session import unit_of_work
from services.store.states import ModelState
from services.store.stores import Store
from services.store.tables import ModelEvent, ModelVersion

#: Where a registered bundle's facts hold what the check found, beside its own metadata.json.
FACTS_KEY: Final = "overread"


def all_entries(session: Session) -> Mapping[str, Entry]:
    """Every pipeline by name: the release's, then the bundles' as their active (else newest) version says."""
    return {**ENTRIES, **_bundles(session)}


def known_names(store: Store) -> frozenset[str]:
    """The names that a sender may ask for."""
    with unit_of_work(store.database, writing=False) as session:
        return frozenset(all_entries(session))


def bundle_entry(version: ModelVersion) -> Entry | None:
    """The pipeline that a bundle's version is; None for a version of a model of the release."""
    told = version.facts.get(FACTS_KEY)
    if version.pipeline in ENTRIES or not isinstance(told, dict):
        return None
    return ZooBundle.from_facts(told).entry()


def queues() -> list[str]:
    """Every queue that there can be work in."""
    return sorted({entry.queue for entry in ENTRIES.values()} | {QUEUE})


def offered_queues() -> list[str]:
    """Those of them that people are shown before there is work in them."""
    return sorted({ENTRIES[name].queue for name in OFFERED} | {QUEUE})


def _bundles(session: Session) -> dict[str, Entry]:
    newest_state = (
        select(ModelEvent.state)
        .where(ModelEvent.model_version_id == ModelVersion.id)
        .order_by(ModelEvent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(ModelVersion, newest_state).where(ModelVersion.pipeline.not_in(list(ENTRIES))).order_by(ModelVersion.id)
    ).all()
    # Later ones take an earlier one's place, and an active one that of all.
    ordered = sorted(rows, key=lambda row: row[1] == ModelState.ACTIVE)
    found = {version.name: bundle_entry(version) for version, _ in ordered}
    return {name: entry for name, entry in found.items() if entry is not None}
