"""Model bundles: a MONAI-form folder opened as values, its weights only if their hash is the pinned one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from pipelines.core.bundle_files import INFERENCE, METADATA, WEIGHTS, file_sha256, read_json
from pipelines.core.errors import ModelError, WeightsRefused
from pipelines.nets.backbones import Grader, grader

HEAD = "head.weight"  # its tensor in that file
NETWORK = "pipelines.nets.backbones.grader"  # the one `_target_` we build; configs are data, nothing is evaluated


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle; `configuration_sha256` is of configs/inference.json, the file that decides results."""

    folder: Path
    name: str
    version: str
    weights_sha256: str
    configuration_sha256: str
    metadata: Mapping[str, Any]  # JSON
    inference: Mapping[str, Any]  # JSON

    @property
    def weights(self) -> Path:
        """The weights file; its hash was checked when the bundle was opened."""
        return self.folder / WEIGHTS


def open_bundle(folder: Path) -> Bundle:
    """Read and check a bundle folder.

    Raises ModelError when a config is missing or not JSON, WeightsRefused when the sha256 of models/model.safetensors
    is not the `weights_sha256` of configs/metadata.json.
    """
    metadata, inference = read_json(folder / METADATA), read_json(folder / INFERENCE)
    if not isinstance(metadata.get("name"), str) or not isinstance(metadata.get("version"), str):
        raise ModelError("the bundle's metadata.json lacks a name or a version")
    pinned, actual = metadata.get("weights_sha256"), file_sha256(folder / WEIGHTS)
    if actual != pinned:
        raise WeightsRefused(pinned=pinned, actual=actual)
    return Bundle(
        folder=folder,
        name=metadata["name"],
        version=metadata["version"],
        weights_sha256=actual,
        configuration_sha256=file_sha256(folder / INFERENCE),
        metadata=metadata,
        inference=inference,
    )


def build_network(bundle: Bundle) -> Grader:
    """The bundle's network in evaluation mode, float32, without gradients; weights are stored as float16.

    The global random state is left as it was. Raises ModelError where network and weights do not belong together.
    """
    definition = dict(bundle.inference["network_def"])
    if definition.pop("_target_", None) != NETWORK:
        raise ModelError("the bundle asks for a network that is not built here")
    weights = load_file(bundle.weights)
    with torch.device("meta"):  # drawing first weights would take longer than reading the real ones
        network = grader(**definition)
    network = network.to_empty(device="cpu")
    needed = {name for name, value in network.state_dict().items() if value.is_floating_point()}
    if needed != set(weights):
        raise ModelError("the weights file does not fit the bundle's network")
    network.load_state_dict({name: value.float() for name, value in weights.items()}, strict=False)
    return network.eval().requires_grad_(False)
