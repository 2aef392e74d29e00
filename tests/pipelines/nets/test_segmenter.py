"""A segmentation bundle gives its networks only whole, and its parameters as values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.networks.nets.dynunet import DynUNet
from safetensors.torch import load_file, save_file

from pipelines.core.bundle_files import file_sha256
from pipelines.core.errors import ModelError
from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.segmenter import NETWORK, Normalisation, build_members, read_segmentation, stored_names

DEFINITION: dict[str, Any] = {  # Any: JSON
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "kernel_size": [3, 3, 3],
    "strides": [1, 2, 2],
    "upsample_kernel_size": [2, 2],
    "filters": [2, 4, 4],
    "norm_name": "instance",
    "res_block": True,
}
INFERENCE: dict[str, Any] = {  # Any: JSON
    "network_def": {"_target_": NETWORK, **DEFINITION},
    "members": 2,
    "spacing_mm": 1.0,
    "patch": [8, 8, 8],
    "overlap": 0.5,
    "normalisation": {"low_percentile": 0.5, "high_percentile": 99.5},
    "structures": {"anterior": 1, "posterior": 2},
    "mirrors": [[], [0]],
    "quality": {"slope": 2.0, "intercept": -1.0, "threshold": 0.7},
    "volume_errors": {"anterior": [-0.1, 0.2]},
}


@pytest.fixture
def networks() -> tuple[DynUNet, DynUNet]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DynUNet(**DEFINITION).eval(), DynUNet(**DEFINITION).eval()


@pytest.fixture
def written(tmp_path: Path, networks: tuple[DynUNet, DynUNet]) -> Callable[..., Bundle]:
    """Write the two networks as a bundle, some tensors and parameters changed, and open it."""

    def write(tensors: Callable[[dict[str, torch.Tensor]], object] = id, **changes: object) -> Bundle:
        weights = {
            f"members.{number}.{name}": network.state_dict()[name].half()
            for number, network in enumerate(networks)
            for name in stored_names(network)
        }
        tensors(weights)
        for name in ("configs", "models"):
            (tmp_path / name).mkdir()
        save_file(weights, tmp_path / "models/model.safetensors")
        metadata = {
            "name": "small",
            "version": "1",
            "weights_sha256": file_sha256(tmp_path / "models/model.safetensors"),
        }
        (tmp_path / "configs/metadata.json").write_text(json.dumps(metadata))
        (tmp_path / "configs/inference.json").write_text(json.dumps(INFERENCE | changes))
        return open_bundle(tmp_path)

    return write


def test_members_answer_as_the_networks_that_were_stored(
    written: Callable[..., Bundle], networks: tuple[DynUNet, DynUNet]
) -> None:
    before = torch.random.get_rng_state()
    members = build_members(written())
    assert torch.equal(before, torch.random.get_rng_state())
    window = torch.linspace(-1, 1, 512).reshape(1, 1, 8, 8, 8)
    for member, network in zip(members, networks, strict=True):
        assert not member.training
        with torch.no_grad():
            assert torch.allclose(member(window), network(window), atol=0.02)


def drop_one(weights: dict[str, torch.Tensor]) -> None:
    del weights["members.1.output_block.conv.conv.bias"]


def reshape_one(weights: dict[str, torch.Tensor]) -> None:
    weights["members.1.output_block.conv.conv.bias"] = torch.zeros(4)


def add_a_member(weights: dict[str, torch.Tensor]) -> None:
    weights["members.2.output_block.conv.conv.bias"] = torch.zeros(3)


@pytest.mark.parametrize("change", [drop_one, reshape_one, add_a_member])
def test_weights_that_do_not_fit_are_refused(written: Callable[..., Bundle], change: Callable[..., None]) -> None:
    bundle = written(change)
    with pytest.raises(ModelError, match="weights file"):
        build_members(bundle)


def test_another_network_is_not_built(written: Callable[..., Bundle]) -> None:
    bundle = written(network_def={"_target_": "os.system"})
    with pytest.raises(ModelError, match="not built here"):
        build_members(bundle)


def test_arguments_that_make_no_network_are_refused(written: Callable[..., Bundle]) -> None:
    bundle = written(network_def={**INFERENCE["network_def"], "strides": [1]})
    with pytest.raises(ModelError, match="network_def"):
        build_members(bundle)


def test_parameters_are_read_as_values(written: Callable[..., Bundle]) -> None:
    model = read_segmentation(written())
    assert (model.patch, model.mirrors, model.structures) == ((8, 8, 8), ((), (0,)), {"anterior": 1, "posterior": 2})
    assert model.volume_errors == {"anterior": (-0.1, 0.2)}


@pytest.mark.parametrize("changes", [{"patch": [8, 8]}, {"quality": {}}, {"mirrors": None}, {"spacing_mm": "wide"}])
def test_a_missing_parameter_is_a_model_error(written: Callable[..., Bundle], changes: Mapping[str, object]) -> None:
    bundle = written(**changes)
    with pytest.raises(ModelError):
        read_segmentation(bundle)


def test_normalisation_does_not_see_padding_or_the_unit() -> None:
    values = np.random.default_rng(0).gamma(2, 100, (10, 12, 14)).astype(np.float32)
    valid = np.zeros((14, 14, 14), bool)
    valid[2:12, 1:13] = True
    padded = np.full(valid.shape, 1e6, np.float32)
    padded[valid] = values.ravel()
    rule = Normalisation(0.5, 99.5)
    plain = rule.apply(values, np.ones(values.shape, bool))
    assert rule.apply(padded, valid)[valid] == pytest.approx(plain.ravel(), abs=1e-5)
    assert rule.apply(7 * values + 3, np.ones(values.shape, bool)) == pytest.approx(plain, abs=1e-3)


def test_the_shipped_bundle_holds_what_its_parameters_say() -> None:
    folder = Path("models/hippocampus_segmentation")
    bundle = open_bundle(folder)
    members = build_members(bundle)
    assert len(members) == bundle.inference["members"]
    assert sum(value.numel() for value in load_file(bundle.weights).values()) == sum(
        parameter.numel() for member in members for parameter in member.parameters()
    )
    model = read_segmentation(bundle)
    assert set(model.volume_errors) == {*model.structures, "hippocampus"}
    assert all(low < 0 < high for low, high in model.volume_errors.values())
