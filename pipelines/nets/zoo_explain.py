"""Grad-CAM (Selvaraju et al. 2017) for networks of any shape that a bundle brings, in two or three dimensions.

For a segmentation the score is the sum of the largest structure's logits over the voxels where the network says so
(Seg-Grad-CAM, Vinogradova et al. 2020), in one window of the inferer's size around that structure's middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from monai.inferers.inferer import Inferer, SliceInferer
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pipelines.nets.cam import recorded

_CONVOLUTIONS: Final = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_SMOOTH: Final = {2: "bilinear", 3: "trilinear"}


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A heat-map 0-1 on the grid the network read, (i, j[, k]), its layer, and the output channel it explains.

    `inside` is the share of the heat that lies in the structure; None where the channel is the whole image's.
    """

    heat: NDArray[np.float32]
    layer: str
    channel: int
    inside: float | None


def show(network: nn.Module, inferer: Inferer, inputs: Tensor, said: NDArray[np.int64]) -> Shown | None:
    """(1, c, ...) inputs and what was said -> Grad-CAM; None where nothing was found or no layer can be watched.

    `said` is the channel of the whole image (0-d), or of each voxel of the inputs.
    """
    found = _layer(network, whole=said.ndim == 0)
    if found is None:
        return None
    name, layer = found
    if said.ndim == 0:
        heat = _cam(network, layer, inputs, int(said), None)
        return Shown(heat, name, int(said), None) if heat is not None else None
    counts = np.bincount(said.ravel(), minlength=2)
    counts[0] = 0
    if not counts.any() or said.shape != tuple(inputs.shape[2:]):
        return None
    channel = int(counts.argmax())
    window = _window(said == channel, inferer)
    patch, inside, cut = _cut(inputs, torch.from_numpy(said == channel), window, inferer)
    heat = _cam(network, layer, patch, channel, inside)
    if heat is None:
        return None
    whole = np.zeros(said.shape, np.float32)
    view = whole[window]
    view[...] = heat[cut].reshape(view.shape)
    total = float(whole.sum())
    return Shown(whole, name, channel, float(whole[said == channel].sum()) / total if total else 0.0)


def _layer(network: nn.Module, *, whole: bool) -> tuple[str, nn.Module] | None:
    """The last convolution where one answer stands for the image; for voxels the last one of the most channels.

    A segmentation's last convolution is its output itself. Where the channels are most numerous is the bottom of the U.
    """
    if isinstance(network, torch.jit.ScriptModule):
        return None
    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, _CONVOLUTIONS)]
    if not layers:
        return None
    if whole:
        return layers[-1]
    most = max(layer.out_channels for _, layer in layers)
    return next((name, layer) for name, layer in reversed(layers) if layer.out_channels == most)


def _window(inside: NDArray[np.bool_], inferer: Inferer) -> tuple[slice, ...]:
    """The inferer's window around the middle of a structure, within the image; one slice for an inferer of slices."""
    places = np.nonzero(inside)
    middle = [int(np.round(axis.mean())) for axis in places]
    roi = [int(length) for length in _roi(inferer, inside.ndim)]
    if isinstance(inferer, SliceInferer):
        axis = inferer.spatial_dim
        middle[axis] = int(np.bincount(places[axis]).argmax())
        roi.insert(axis, 1)
    window = []
    for length, centre, size in zip(inside.shape, middle, roi, strict=True):
        wide = length if size <= 0 else min(size, length)
        begin = min(max(0, centre - wide // 2), length - wide)
        window.append(slice(begin, begin + wide))
    return tuple(window)


def _roi(inferer: Inferer, dimensions: int) -> Sequence[int]:
    """The inferer's window; -1 for an axis that is read whole."""
    roi = getattr(inferer, "roi_size", -1)
    flat = dimensions - 1 if isinstance(inferer, SliceInferer) else dimensions
    sizes = [roi] * flat if isinstance(roi, int) else list(roi)
    if isinstance(inferer, SliceInferer) and len(sizes) > flat:
        del sizes[inferer.spatial_dim]  # MONAI's inferer adds it to its own roi_size the first time that it runs
    return sizes


def _cut(
    inputs: Tensor, inside: Tensor, window: tuple[slice, ...], inferer: Inferer
) -> tuple[Tensor, Tensor, tuple[slice, ...]]:
    """The window's inputs (1, c, ...) and mask, padded to the inferer's size, and where the image lies in it."""
    patch, mask = inputs[(slice(None), slice(None), *window)], inside[window]
    if isinstance(inferer, SliceInferer):
        patch, mask = patch.squeeze(inferer.spatial_dim + 2), mask.squeeze(inferer.spatial_dim)
    roi = _roi(inferer, patch.ndim - 2 + int(isinstance(inferer, SliceInferer)))
    short = [max(0, size - length) for size, length in zip(roi, mask.shape, strict=True)]
    padding = [amount for each in reversed(short) for amount in (0, each)]
    cut = tuple(slice(0, length) for length in mask.shape)
    return functional.pad(patch, padding), functional.pad(mask, padding), cut


def _cam(
    network: nn.Module, layer: nn.Module, inputs: Tensor, channel: int, inside: Tensor | None
) -> NDArray[np.float32] | None:
    """Grad-CAM of one window, (i, j[, k]) float32 in 0-1; None where the layer took no part."""
    with recorded(layer) as seen:
        answer = network(inputs)
        if not isinstance(answer, Tensor) or seen.activation is None:
            return None
        place = min(channel, answer.shape[1] - 1)
        score = answer[0, place] if inside is None else answer[0, place][inside.to(answer.device)].sum()
        (gradient,) = torch.autograd.grad(score.sum(), seen.activation)
    axes = tuple(range(2, gradient.ndim))
    weighted = (gradient.mean(dim=axes, keepdim=True) * seen.activation.detach()).sum(dim=1, keepdim=True)
    smooth = functional.interpolate(
        weighted.clamp(min=0), size=tuple(inputs.shape[2:]), mode=_SMOOTH[inputs.ndim - 2], align_corners=False
    )[0, 0]
    peak = float(smooth.max())
    return np.asarray((smooth / peak if peak > 0 else smooth).cpu().numpy(), np.float32)
