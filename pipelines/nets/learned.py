"""The learned reconstruction: the unrolled network over slabs, seen from several sides for its uncertainty (torch)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from pipelines.core.errors import ModelError
from pipelines.imaging.acquired import Acquired, Reconstructed
from pipelines.nets.bundle import Bundle
from pipelines.nets.coils import maps_with_phase
from pipelines.nets.unrolled import Measured, UnrolledNetwork, rss, to_image, unrolled

NETWORK = "pipelines.nets.unrolled.unrolled"  # the one `_target_` we build


@dataclass(frozen=True, slots=True)
class View:
    """A change of the measured data under which the right answer changes in a known way."""

    change: Callable[[Measured], Measured]
    restore: Callable[[Tensor], Tensor]  # completed k-space back to the plain view


def plain(measured: Measured) -> Measured:
    """As it was measured."""
    return measured


def conjugated(measured: Measured) -> Measured:
    """Conjugate k-space: the image turned by half a circle, its phase negated; the mask stays."""
    maps = mirrored_at(measured.maps, (-2, -1)).conj().resolve_conj()
    return Measured(measured.kspace.conj().resolve_conj(), measured.mask, maps)


def mirrored(measured: Measured) -> Measured:
    """The image mirrored along x."""
    return Measured(*(mirrored_at(plane, (-1,)) for plane in (measured.kspace, measured.mask, measured.maps)))


def mirrored_at(plane: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Mirror centred axes at their middle; doing it twice changes nothing.

    Place i goes to 2 (size // 2) - i; of an even number of places the first has no partner and stays.
    """
    shifts = [1 - plane.shape[axis] % 2 for axis in axes]
    return plane.flip(axes).roll(shifts, axes)


VIEWS = {
    "plain": View(plain, lambda kspace: kspace),
    "conjugated": View(conjugated, lambda kspace: kspace.conj().resolve_conj()),
    "mirrored": View(mirrored, lambda kspace: mirrored_at(kspace, (-1,))),
}


class Unrolled:
    """The bundle's network; the image is the mean over its views, the uncertainty their calibrated spread."""

    name = "unrolled"

    def __init__(self, bundle: Bundle, device: str = "cpu") -> None:
        """Build and load the network; raises ModelError where bundle and network do not belong together."""
        self._network = unrolled_network(bundle).to(device)
        self._device = device
        self._slab = int(bundle.inference["slab_slices"])
        self._views = [VIEWS[name] for name in bundle.inference["views"]]
        self._scale = float(bundle.inference["uncertainty"]["scale"])
        self._window = int(bundle.inference["uncertainty"]["window"])

    def reconstruct(self, acquired: Acquired) -> Reconstructed:
        """Image neighbouring slices, slab by slab; raises UnsuitableInput without calibration lines."""
        parts = [self._slab_of(acquired.part(slices)) for slices in slabs(len(acquired.kspace), self._slab)]
        images, kspaces, spreads = zip(*parts, strict=True)
        return Reconstructed(np.concatenate(images), np.concatenate(kspaces), np.concatenate(spreads))

    @torch.inference_mode()
    def _slab_of(self, acquired: Acquired) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image, completed k-space and uncertainty of one slab."""
        kspace = torch.from_numpy(np.ascontiguousarray(acquired.kspace)).to(self._device)
        mask = torch.from_numpy(acquired.plane_mask.astype(np.float32)).to(self._device)
        scale = float(rss(to_image(kspace)).max()) or 1.0
        maps = torch.from_numpy(maps_with_phase(acquired)).to(self._device)
        measured = Measured(kspace / scale, mask, maps)
        answers = [view.restore(self._network(view.change(measured)).kspace) for view in self._views]
        images = torch.stack([rss(to_image(answer)) for answer in answers])
        # Acquired samples come from the data as given: scaling there and back would move their last bit.
        completed = torch.where(mask > 0, kspace, torch.stack(answers).mean(dim=0) * scale)
        spread = uncertainty(images, self._window) * (self._scale * scale)
        return rss(to_image(completed)).cpu().numpy(), completed.cpu().numpy(), spread.cpu().numpy()


def slabs(count: int, most: int) -> Iterator[slice]:
    """Spans of nearly equal length over `count` slices, none longer than `most`."""
    parts = math.ceil(count / most)
    edges = [round(count * part / parts) for part in range(parts + 1)]
    return (slice(start, stop) for start, stop in pairwise(edges))


def uncertainty(images: Tensor, window: int) -> Tensor:
    """(views, slices, y, x) float32 -> (slices, y, x): the views' standard deviation, its square averaged locally.

    Three views alone give a ragged estimate; errors of a reconstruction are spread over a neighbourhood.
    """
    if len(images) < 2:
        return torch.zeros_like(images[0])
    variance = images.var(dim=0, unbiased=True)[:, None]
    local = functional.avg_pool2d(variance, window, stride=1, padding=window // 2, count_include_pad=False)
    return local[:, 0].sqrt()


def unrolled_network(bundle: Bundle) -> UnrolledNetwork:
    """The bundle's network in evaluation mode, float32; weights are stored as float16.

    The global random state is left as it was. Raises ModelError where network and weights do not belong together.
    """
    definition = dict(bundle.inference["network_def"])
    if definition.pop("_target_", None) != NETWORK:
        raise ModelError("the bundle asks for a network that is not built here")
    weights = load_file(bundle.weights)
    with torch.device("meta"):
        network = unrolled(**definition)
    network = network.to_empty(device="cpu")
    if set(network.state_dict()) != set(weights):
        raise ModelError("the weights file does not fit the bundle's network")
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return network.eval().requires_grad_(False)
