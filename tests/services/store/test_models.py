"""The model registry: bundles seeded, promoted, retired and fetched."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import select

from pipelines.core.errors import Conflict, ModelError, NotFound, UnknownModel, WeightsRefused
from services.settings import Settings
from services.store import bundles, migrate, models, registration
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.states import ModelState
from services.store.stores import Store, open_store
from services.store.tables import AuditRow, ModelVersion

NAME = "fundus_dr_grading"


def make_bundle(models_dir: Path, version: str = "1.0.0", *, name: str = NAME, weights: bytes = b"weights") -> Path:
    """A small bundle folder of the form that models/ has."""
    folder = models_dir / name
    for part in ("configs", "models", "docs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    facts = {"name": name, "version": version, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    (folder / "configs" / "metadata.json").write_text(json.dumps(facts))
    (folder / "configs" / "inference.json").write_text(json.dumps({"referable_threshold": 0.4, "input_size": 8}))
    (folder / "models" / "model.safetensors").write_bytes(weights)
    (folder / "docs" / "README.md").write_text("# Card\n")
    return folder


@dataclass(frozen=True)
class Registry:
    """A store and the folder of bundles that its releases bring."""

    store: Store
    models_dir: Path

    def release(self, version: str) -> list[str]:
        """A release with this version of the bundle is installed."""
        make_bundle(self.models_dir, version, weights=version.encode())
        return registration.seed(self.store, self.models_dir)

    def states(self) -> dict[str, ModelState]:
        """Version -> state."""
        with unit_of_work(self.store.database, writing=False) as session:
            return {stated.version.version: stated.state for stated in models.list_versions(session)}

    def active(self) -> str | None:
        """The version that answers."""
        with unit_of_work(self.store.database, writing=False) as session:
            version = models.active_version(session, NAME)
            return version.version if version else None

    def version(self, number: str) -> ModelVersion:
        """The row of a version."""
        with unit_of_work(self.store.database, writing=False) as session:
            return models.find_version(session, NAME, number)


@pytest.fixture
def registry(store: Store, tmp_path: Path) -> Registry:
    """An empty registry."""
    return Registry(store, tmp_path / "bundles")


def test_the_first_version_of_a_model_becomes_active(each_store: Store, registry: Registry) -> None:
    [made] = registry.release("1.0.0")
    assert registry.states() == {"1.0.0": ModelState.ACTIVE}
    with unit_of_work(each_store.database, writing=False) as session:
        history = [(event.state, event.actor) for event in models.events_of(session, made)]
        row = models.get_version(session, made)
    assert history == [(ModelState.REGISTERED, "system"), (ModelState.ACTIVE, "system")]
    assert (row.pipeline, row.card, row.thresholds) == ("retinopathy", "# Card\n", {"referable_threshold": 0.4})
    assert row.weights_sha256 == hashlib.sha256(b"1.0.0").hexdigest()


def test_seeding_again_changes_nothing(registry: Registry) -> None:
    registry.release("1.0.0")
    assert registry.release("1.0.0") == []


def test_a_newer_release_takes_over(registry: Registry) -> None:
    registry.release("1.9.0")
    registry.release("1.10.0")
    assert registry.states() == {"1.9.0": ModelState.REGISTERED, "1.10.0": ModelState.ACTIVE}


@pytest.mark.postgresql
def test_of_versions_promoted_at_once_one_is_active(postgresql_store: Store, tmp_path: Path) -> None:
    registry = Registry(postgresql_store, tmp_path / "bundles")
    numbers = ["1.0.0", "1.1.0", "1.2.0", "1.3.0"]
    ids = {number: registry.release(number)[0] for number in numbers}
    start = Barrier(len(numbers))

    def promote(number: str) -> None:
        with unit_of_work(registry.store.database) as session:
            models.get_version(session, ids[number])
            start.wait()
            models.promote(session, ids[number], "user:1", "better here")

    for _ in range(5):
        with ThreadPoolExecutor(len(numbers)) as threads:
            list(threads.map(promote, numbers))
        assert list(registry.states().values()).count(ModelState.ACTIVE) == 1


@pytest.mark.parametrize("older", ["0.9.0", "1.0.0-rc1"])
def test_an_older_release_does_not_take_over(registry: Registry, older: str) -> None:
    registry.release("1.0.0")
    registry.release(older)
    assert registry.active() == "1.0.0"


def test_a_newer_release_leaves_what_a_person_chose(registry: Registry) -> None:
    registry.release("1.0.0")
    registry.release("1.1.0")
    with unit_of_work(registry.store.database) as session:
        models.promote(session, models.find_version(session, NAME, "1.0.0").id, "user:1", "better here")
    registry.release("1.2.0")
    assert registry.active() == "1.0.0"
    assert registry.states()["1.2.0"] is ModelState.REGISTERED


def test_a_pipeline_whose_model_a_person_retired_stays_without_one(registry: Registry) -> None:
    [made] = registry.release("1.0.0")
    with unit_of_work(registry.store.database) as session:
        models.retire(session, made, "user:1", "too many false alarms")
    registry.release("1.1.0")
    assert registry.active() is None


def test_one_version_number_stands_for_one_bundle(registry: Registry) -> None:
    registry.release("1.0.0")
    (registry.models_dir / NAME / "docs" / "README.md").write_text("# Another card\n")
    with pytest.raises(ModelError, match="new version"):
        registration.seed(registry.store, registry.models_dir)


def test_a_bundle_added_by_hand_waits_for_promotion(registry: Registry, tmp_path: Path) -> None:
    registry.release("1.0.0")
    folder = make_bundle(tmp_path / "own", "2.0.0", weights=b"own")
    added = registration.add_bundle(registry.store, folder, "user:1")
    assert registry.active() == "1.0.0"
    with pytest.raises(Conflict):
        registration.add_bundle(registry.store, folder, "user:1")
    with unit_of_work(registry.store.database) as session:
        models.promote(session, added, "user:1", "validated here")
        [(actor, action)] = session.execute(select(AuditRow.actor, AuditRow.action)).all()
    assert (actor, action) == ("user:1", "model.added")
    assert registry.active() == "2.0.0"


def test_promoting_the_active_version_leaves_no_event(registry: Registry) -> None:
    [made] = registry.release("1.0.0")
    with unit_of_work(registry.store.database) as session:
        models.promote(session, made, "user:1", "again")
        assert len(models.events_of(session, made)) == 2


def other_weights(folder: Path) -> None:
    """The weights are not the pinned ones."""
    (folder / "models" / "model.safetensors").write_bytes(b"other")


def no_card(folder: Path) -> None:
    """The model card is missing."""
    (folder / "docs" / "README.md").unlink()


def no_json(folder: Path) -> None:
    """A configuration is not JSON."""
    (folder / "configs" / "inference.json").write_text("{")


@pytest.mark.parametrize(
    ("spoil", "error"), [(other_weights, WeightsRefused), (no_card, ModelError), (no_json, ModelError)]
)
def test_a_bundle_that_is_not_whole_is_refused(
    registry: Registry, tmp_path: Path, spoil: Callable[[Path], None], error: type[ModelError]
) -> None:
    folder = make_bundle(tmp_path / "own")
    spoil(folder)
    with pytest.raises(error):
        registration.add_bundle(registry.store, folder, "user:1")
    assert registry.states() == {}


def test_a_model_that_no_pipeline_runs_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        registration.add_bundle(registry.store, make_bundle(tmp_path / "own", name="horoscope"), "user:1")


def test_an_unknown_version_is_refused(registry: Registry) -> None:
    with unit_of_work(registry.store.database) as session:
        with pytest.raises(UnknownModel):
            models.promote(session, new_id(), "user:1", "why not")
        with pytest.raises(UnknownModel):
            models.find_version(session, NAME, "9.9.9")


def test_a_worker_fetches_a_bundle_once(registry: Registry, tmp_path: Path) -> None:
    registry.release("1.0.0")
    version = registry.version("1.0.0")
    folder = models.fetch_bundle(registry.store, version, tmp_path / "cache")
    assert bundles.read_bundle(folder).version == "1.0.0"
    registry.store.blobs.remove(version.bundle_sha256)
    assert models.fetch_bundle(registry.store, version, tmp_path / "cache") == folder
    with pytest.raises(NotFound):
        models.fetch_bundle(registry.store, version, tmp_path / "another cache")


def test_a_damaged_bundle_is_not_unpacked(registry: Registry, settings: Settings, tmp_path: Path) -> None:
    registry.release("1.0.0")
    version = registry.version("1.0.0")
    (settings.data_dir / "blobs" / registry.store.blobs.place(version.bundle_sha256)).write_bytes(b"junk")
    with pytest.raises(ModelError, match="damaged"):
        models.fetch_bundle(registry.store, version, tmp_path / "cache")
    assert list(tmp_path.glob("cache/*")) == []


def test_equal_folders_give_equal_tars(tmp_path: Path) -> None:
    one, other = make_bundle(tmp_path / "one"), make_bundle(tmp_path / "other")
    for number, path in enumerate(other.rglob("*")):
        os.utime(path, (number, number))
    (other / "__pycache__").mkdir()
    (other / "__pycache__" / "x.pyc").write_bytes(b"x")
    (other / ".hidden").write_bytes(b"x")
    assert bundles.pack(one, tmp_path / "one.tar") == bundles.pack(other, tmp_path / "other.tar")


def member(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    """An entry of an archive."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, "/etc/passwd"
    return entry


@pytest.mark.parametrize(
    "entry",
    [
        member("../outside"),
        member("/outside"),
        member("a/../../outside"),
        member("link", tarfile.SYMTYPE),
        member("hard", tarfile.LNKTYPE),
        member("pipe", tarfile.FIFOTYPE),
    ],
    ids=["parent", "absolute", "inner-parent", "symlink", "hardlink", "fifo"],
)
def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path, entry: tarfile.TarInfo) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.addfile(entry, io.BytesIO())
    with pytest.raises(ModelError):
        bundles.unpack(tmp_path / "evil.tar", tmp_path / "in" / "bundle")
    assert list((tmp_path / "in").iterdir()) == []
    assert not (tmp_path / "outside").exists()


def test_an_upgrade_seeds_the_models_that_came_with_the_release(settings: Settings) -> None:
    make_bundle(settings.models_dir)
    migrate.upgrade(settings)
    store = open_store(settings)
    assert Registry(store, settings.models_dir).active() == "1.0.0"
    store.close()


def test_the_bundles_in_the_checkout_are_whole() -> None:
    folders = [path.parent.parent for path in Settings().models_dir.glob(f"*/{bundles.METADATA}")]
    assert folders != []
    assert [bundles.read_bundle(folder).name for folder in folders] == [folder.name for folder in folders]
