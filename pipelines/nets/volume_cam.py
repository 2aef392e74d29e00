"""Grad-CAM for a segmented structure (Seg-Grad-CAM, Vinogradova et al., AAAI 2020, arXiv:2002.11434), in 3D.

What is explained is the sum of the structure's logits over the voxels that were given to it; the gradient goes to the
decoder's output at half resolution. At full resolution the map would be the logits themselves and explain nothing; the
bottleneck's voxels are as large as the structure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from monai.networks.nets.dynunet import DynUNet
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from pipelines.nets.cam import is_degenerate, scaled
from pipelines.nets.volume_engine import Inside

Map = NDArray[np.float32]

#: Within this distance of the structure (mm) lies what a rater looks at to draw its border.
NEAR_MM: Final = 5.0
#: A map with more of its mass farther away explains something else than the structure.
LEAST_NEAR: Final = 0.5


def layer_of(network: DynUNet) -> str:
    """The name of the layer that is explained: the last but one step of the way up."""
    return f"upsamples.{len(network.upsamples) - 2}"


def structure_cam(network: DynUNet, inside: Inside, structure: NDArray[np.bool_]) -> Map:
    """What an engine saw inside a window, and the voxels (x, y, z) of the structure in it -> (x, y, z) float32 in 0-1.

    Only the last step of the way up is run again, on the CPU or wherever the network lies. All zero where nothing
    speaks for the structure.
    """
    device = next(network.parameters()).device
    activation = torch.from_numpy(inside.half).to(device).requires_grad_(True)
    with torch.enable_grad():
        finest = network.upsamples[-1](activation, torch.from_numpy(inside.full).to(device))
        logits = network.output_block(finest)[0, 1:].sum(dim=0)
        (gradient,) = torch.autograd.grad(logits[torch.from_numpy(structure).to(device)].sum(), activation)
    weights = gradient[0].mean(dim=(1, 2, 3), keepdim=True)
    positive = (weights * activation.detach()[0]).sum(dim=0).clamp(min=0)
    spread = functional.interpolate(positive[None, None], size=structure.shape, mode="trilinear", align_corners=False)
    return scaled(spread[0, 0].numpy(force=True))


def near(cam: Map, structure: NDArray[np.bool_], spacing: Sequence[float], reach: float = NEAR_MM) -> float:
    """The share of a map's mass within `reach` mm of the structure, 0-1; 0 for an empty map or structure."""
    total = float(cam.sum())
    if total <= 0 or not structure.any():
        return 0.0
    distance = ndimage.distance_transform_edt(~structure, sampling=spacing)
    return float(cam[distance <= reach].sum()) / total


def agreement(maps: Sequence[Map]) -> float | None:
    """Mean correlation of the members' maps, 0-1; None for one member, 0 where one of them is degenerate."""
    if len(maps) < 2:
        return None
    if any(is_degenerate(cam) for cam in maps):
        return 0.0
    together = np.corrcoef([cam.ravel() for cam in maps])
    return max(0.0, float(together[np.triu_indices(len(maps), 1)].mean()))
