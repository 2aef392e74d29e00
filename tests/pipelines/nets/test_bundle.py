"""Bundles are opened only whole and only with the weights that they pin."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipelines.core.bundle_files import file_sha256
from pipelines.core.errors import ModelError, WeightsRefused
from pipelines.nets.bundle import Bundle, build_network, open_bundle


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_opened_bundle_knows_its_name_version_and_digests(bundle: Bundle) -> None:
    assert (bundle.name, bundle.version) == ("small", "0.0.1")
    assert bundle.weights_sha256 == hashlib.sha256(bundle.weights.read_bytes()).hexdigest()
    configuration = (bundle.folder / "configs/inference.json").read_bytes()
    assert bundle.configuration_sha256 == hashlib.sha256(configuration).hexdigest()


def test_changed_weights_are_refused(bundle_folder: Path) -> None:
    weights = bundle_folder / "models/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(WeightsRefused):
        open_bundle(bundle_folder)


def test_weights_without_a_pinned_hash_are_refused(bundle_folder: Path) -> None:
    rewrite(bundle_folder / "configs/metadata.json", weights_sha256=None)
    with pytest.raises(WeightsRefused):
        open_bundle(bundle_folder)


@pytest.mark.parametrize("path", ["configs/metadata.json", "configs/inference.json", "models/model.safetensors"])
def test_a_bundle_with_a_missing_file_is_refused(bundle_folder: Path, path: str) -> None:
    (bundle_folder / path).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        open_bundle(bundle_folder)


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_a_config_that_is_no_object_is_refused(bundle_folder: Path, content: str) -> None:
    (bundle_folder / "configs/inference.json").write_text(content)
    with pytest.raises(ModelError):
        open_bundle(bundle_folder)


def test_a_bundle_without_a_name_is_refused(bundle_folder: Path) -> None:
    path = bundle_folder / "configs/metadata.json"
    path.write_text(json.dumps({"weights_sha256": file_sha256(bundle_folder / "models/model.safetensors")}))
    with pytest.raises(ModelError, match="name"):
        open_bundle(bundle_folder)


def test_a_config_cannot_name_code_to_run(bundle_folder: Path) -> None:
    rewrite(bundle_folder / "configs/inference.json", network_def={"_target_": "os.system", "command": "true"})
    with pytest.raises(ModelError, match="not built here"):
        build_network(open_bundle(bundle_folder))


def test_weights_that_lack_a_tensor_are_refused(bundle_folder: Path) -> None:
    weights = bundle_folder / "models/model.safetensors"
    state = load_file(weights)
    del state["head.bias"]
    save_file(state, weights)
    rewrite(bundle_folder / "configs/metadata.json", weights_sha256=file_sha256(weights))
    with pytest.raises(ModelError, match="does not fit"):
        build_network(open_bundle(bundle_folder))


def test_building_a_network_leaves_the_random_state_alone(bundle: Bundle) -> None:
    before = torch.random.get_rng_state()
    build_network(bundle)
    assert torch.equal(before, torch.random.get_rng_state())
