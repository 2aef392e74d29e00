"""A small bundle with random weights, made in the test."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipelines.core.bundle_files import file_sha256
from pipelines.nets.backbones import grader
from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.precision import Engine, openvino_engine

#: MONAI's bundle specification, "metadata.json File".
REQUIRED_BY_MONAI = {
    "version",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "task",
    "description",
    "authors",
    "copyright",
    "network_data_format",
}

SIZE = 96
INFERENCE = {
    "network_def": {
        "_target_": "pipelines.nets.backbones.grader",
        "name": "efficientnet_lite0",
        "members": 2,
        "outputs": 8,
    },
    "input_size": SIZE,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "decode_min_side": 640,
    "temperature": 2.0,
    "class_bias": [0.0, 0.0, 0.0, 0.0, 0.0],
    "decision": {"rule": "most_probable"},
    "referable_threshold": 0.5,
    "abstain_below": 0.4,
    "interval_mass": 0.9,
    "dme": {"temperature": 1.0, "class_bias": [0.0, 0.0, 0.0]},
    "quality": {"sharpness": 0.2, "dark": 28.0, "bright": 185.0, "saturated": 0.2},
}


@pytest.fixture(scope="session")
def made_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two untrained members, their running statistics spread so that no feature is dead; float16 weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)  # with it every class has a place that speaks for it
        network = grader("efficientnet_lite0", 2, 8).train()
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None  # the plain mean of the passes, so that one of them is enough
        with torch.no_grad():
            network(torch.randn(8, 3, SIZE, SIZE))
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "configs").mkdir()
    (folder / "models").mkdir()
    weights = folder / "models/model.safetensors"
    state = network.state_dict().items()
    save_file({name: value.half() for name, value in state if value.is_floating_point()}, weights)
    weights.chmod(0o644)
    metadata = {"name": "small", "version": "0.0.1", "weights_sha256": file_sha256(weights)}
    (folder / "configs/metadata.json").write_text(json.dumps(metadata))
    (folder / "configs/inference.json").write_text(json.dumps(INFERENCE))
    return folder


@pytest.fixture
def bundle_folder(made_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the small bundle, to be changed."""
    return Path(shutil.copytree(made_bundle, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def bundle(made_bundle: Path) -> Bundle:
    """The small bundle, opened."""
    return open_bundle(made_bundle)


@pytest.fixture(scope="session")
def openvino(bundle: Bundle) -> Engine:
    """The small bundle in OpenVINO, converted once."""
    return openvino_engine(bundle)
