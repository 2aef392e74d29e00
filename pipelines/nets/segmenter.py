"""Segmentation networks from a bundle, with everything beside the weights that decides their answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from monai.networks.nets.dynunet import DynUNet
from numpy.typing import NDArray
from safetensors.torch import load_file

from pipelines.core.errors import ModelError
from pipelines.nets.bundle import Bundle
from pipelines.nets.segmentation_quality import QualityRule

NETWORK: Final = "monai.networks.nets.DynUNet"
MEMBERS: Final = "members"  # tensors of member 0 are named members.0.<name in the network>
Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Clip at two percentiles, then zero mean and unit variance, all of the box's own voxels."""

    low_percentile: float
    high_percentile: float

    def apply(self, volume: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(x, y, z) in any units -> float32; the statistics are those of `valid` voxels, padding not among them."""
        values = volume[valid]
        low, high = np.percentile(values, (self.low_percentile, self.high_percentile))
        clipped = np.clip(values, low, high)
        spread = max(float(clipped.std()), np.finfo(np.float32).tiny)
        return np.asarray((np.clip(volume, low, high) - clipped.mean()) / spread, np.float32)


@dataclass(frozen=True, slots=True)
class SegmentationModel:
    """A bundle's configs/inference.json as values: `structures` are name -> label, lengths in voxels of `spacing_mm`.

    `mirrors` are the views that are averaged, each the axes (0 x, 1 y, 2 z) that it mirrors; the upright one is ().
    `volume_errors` are the measured relative errors (low, high) between which 95 % of a structure's volumes lie.
    """

    spacing_mm: float
    patch: Shape
    overlap: float
    normalisation: Normalisation
    structures: Mapping[str, int]
    mirrors: tuple[tuple[int, ...], ...]
    quality: QualityRule
    volume_errors: Mapping[str, tuple[float, float]]


def read_segmentation(bundle: Bundle) -> SegmentationModel:
    """What the bundle says of a segmentation beside its networks; raises ModelError where a part is missing."""
    given = bundle.inference
    try:
        return SegmentationModel(
            spacing_mm=float(given["spacing_mm"]),
            patch=_shape(given["patch"]),
            overlap=float(given["overlap"]),
            normalisation=Normalisation(**given["normalisation"]),
            structures={str(name): int(label) for name, label in given["structures"].items()},
            mirrors=tuple(tuple(int(axis) for axis in axes) for axes in given["mirrors"]),
            quality=QualityRule(**given["quality"]),
            volume_errors={name: (float(low), float(high)) for name, (low, high) in given["volume_errors"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError("the bundle's inference.json lacks what a segmentation needs") from error


def build_members(bundle: Bundle) -> tuple[DynUNet, ...]:
    """The bundle's networks in evaluation mode, float32, without gradients; weights may be stored as float16.

    The global random state is left as it was. Raises ModelError where networks and weights do not belong together.
    """
    definition = dict(bundle.inference["network_def"])
    if definition.pop("_target_", None) != NETWORK:
        raise ModelError("the bundle asks for a network that is not built here")
    weights = load_file(bundle.weights)
    count = int(bundle.inference[MEMBERS])
    prefixes = [f"{MEMBERS}.{number}." for number in range(count)]
    if not all(name.startswith(tuple(prefixes)) for name in weights):
        raise ModelError("the weights file does not hold the bundle's members")
    return tuple(_member(definition, weights, prefix) for prefix in prefixes)


def _member(definition: Mapping[str, Any], weights: Mapping[str, torch.Tensor], prefix: str) -> DynUNet:
    try:
        with torch.random.fork_rng(devices=[]):
            network = DynUNet(**definition)
    except (TypeError, ValueError, IndexError) as error:  # what MONAI raises for arguments that do not belong together
        raise ModelError("the bundle's network_def makes no network") from error
    mine = {name.removeprefix(prefix): value.float() for name, value in weights.items() if name.startswith(prefix)}
    if set(mine) != stored_names(network):
        raise ModelError("the weights file does not fit the bundle's network")
    try:
        network.load_state_dict(mine, strict=False)
    except RuntimeError as error:  # a tensor of another shape
        raise ModelError("the weights file does not fit the bundle's network") from error
    return network.eval().requires_grad_(False)


def stored_names(network: DynUNet) -> set[str]:
    """The tensors that a bundle holds of a member: DynUNet names most of its layers twice, once as nested skips."""
    return {name for name in network.state_dict() if not name.startswith("skip_layers.")}


def _shape(value: Any) -> Shape:  # Any: JSON
    x, y, z = (int(side) for side in value)
    return x, y, z
