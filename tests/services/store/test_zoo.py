"""Bundles of other people in the registry: pipelines that exist from the moment a bundle was added."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from pipelines.core.entry import Entry
from pipelines.core.errors import Conflict, ModelError
from pipelines.core.zoo import QUEUE, Task, Trust, ZooBundle
from pipelines.registry import ENTRIES
from services.store import entries, models
from services.store.session import unit_of_work
from services.store.states import ModelState
from services.store.stores import Store
from services.store.tables import AuditRow
from services.store.zoo import add_zoo_bundle

BUNDLE = ZooBundle(
    name="spleen_ct",
    version="0.1.0",
    title="Spleen",
    task=Task.SEGMENTATION,
    modalities=("CT",),
    dimensions=3,
    channels=1,
    structures={0: "background", 1: "spleen"},
    weights="models/model.pt",
    weights_sha256="1" * 64,
    digest="2" * 64,
    trust=Trust.NONE,
    automatic=False,
)
CT = "1.2.840.10008.5.1.4.1.1.2"


def added(store: Store, folder: Path, bundle: ZooBundle = BUNDLE) -> str:
    """The bundle, registered by a person; every version has other bytes."""
    folder.mkdir(exist_ok=True)
    (folder / "model.pt").write_text(f"{bundle.name} {bundle.version}")
    return add_zoo_bundle(store, folder, bundle, {"eval_metrics": {"mean_dice": 0.9}, "version": "x"}, "user:1")


def known(store: Store) -> dict[str, Entry]:
    """Every pipeline."""
    with unit_of_work(store.database, writing=False) as session:
        return dict(entries.all_entries(session))


def actions(store: Store) -> list[str]:
    """What the audit holds."""
    with unit_of_work(store.database, writing=False) as session:
        return [row.action for row in session.scalars(select(AuditRow).order_by(AuditRow.id))]


def test_a_registered_bundle_is_a_pipeline_of_its_name(each_store: Store, tmp_path: Path) -> None:
    added(each_store, tmp_path / "bundle")
    entry = known(each_store)["spleen_ct"]
    assert (entry.queue, entry.model, entry.on_request) == (QUEUE, "spleen_ct", True)
    assert entry.accepts.takes("CT", CT)
    assert entries.known_names(each_store) == {*ENTRIES, "spleen_ct"}


def test_the_first_version_is_in_use_at_once_and_the_next_waits(store: Store, tmp_path: Path) -> None:
    added(store, tmp_path / "first")
    added(store, tmp_path / "second", replace(BUNDLE, version="0.2.0", title="Newer"))
    with unit_of_work(store.database, writing=False) as session:
        states = {stated.version.version: stated.state for stated in models.list_versions(session, "spleen_ct")}
    assert states == {"0.1.0": ModelState.ACTIVE, "0.2.0": ModelState.REGISTERED}
    assert known(store)["spleen_ct"].title == "Spleen"


def test_a_promoted_version_says_how_the_pipeline_routes(store: Store, tmp_path: Path) -> None:
    added(store, tmp_path / "first")
    newer = added(store, tmp_path / "second", replace(BUNDLE, version="0.2.0", automatic=True))
    with unit_of_work(store.database) as session:
        models.promote(session, newer, "user:1", "better")
    assert not known(store)["spleen_ct"].on_request


def test_a_bundle_that_was_retired_stays_out_of_use_when_a_newer_one_comes(store: Store, tmp_path: Path) -> None:
    first = added(store, tmp_path / "first")
    with unit_of_work(store.database) as session:
        models.retire(session, first, "user:1", "worse")
    added(store, tmp_path / "second", replace(BUNDLE, version="0.2.0"))
    with unit_of_work(store.database, writing=False) as session:
        assert models.active_version(session, "spleen_ct") is None


def test_letting_code_run_is_in_the_audit(store: Store, tmp_path: Path) -> None:
    added(store, tmp_path / "plain")
    assert actions(store) == ["model.added"]
    added(store, tmp_path / "trusted", replace(BUNDLE, name="other", trust=Trust.CODE))
    assert actions(store) == ["model.added", "model.trusted", "model.added"]
    assert known(store)["other"].parameters["trust"] == "code"


def test_what_the_check_found_cannot_be_claimed_by_the_bundle(store: Store, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    claimed = {entries.FACTS_KEY: {"trust": "code"}, "eval_metrics": "none"}
    add_zoo_bundle(store, tmp_path / "bundle", BUNDLE, claimed, "user:1")
    assert known(store)["spleen_ct"].parameters["trust"] == "none"


@pytest.mark.parametrize("name", sorted({*ENTRIES, *(entry.model for entry in ENTRIES.values())}))
def test_a_bundle_cannot_take_the_name_of_a_pipeline_of_the_release(store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(Conflict):
        added(store, tmp_path / "bundle", replace(BUNDLE, name=name))


def test_a_version_is_registered_once(store: Store, tmp_path: Path) -> None:
    added(store, tmp_path / "bundle")
    with pytest.raises(Conflict):
        added(store, tmp_path / "bundle")
    (tmp_path / "bundle" / "more.txt").write_text("changed")
    with pytest.raises(ModelError):
        added(store, tmp_path / "bundle")


def test_one_bundle_has_one_name(store: Store, tmp_path: Path) -> None:
    added(store, tmp_path / "bundle")
    with pytest.raises(Conflict, match="spleen_ct"):
        add_zoo_bundle(store, tmp_path / "bundle", replace(BUNDLE, name="another"), {}, "user:1")


def test_the_value_comes_back_from_the_registry_as_it_was(store: Store, tmp_path: Path) -> None:
    made = added(store, tmp_path / "bundle")
    with unit_of_work(store.database, writing=False) as session:
        facts = models.get_version(session, made).facts
    assert ZooBundle.from_facts(facts[entries.FACTS_KEY]) == BUNDLE
