"""The unrolled reconstruction network: cascades of a slab U-Net between data-consistency steps (torch).

After the end-to-end variational network of Sriram et al. 2020 (arXiv:2004.06688): sensitivities from the calibration
lines refined by a small network, then gradient steps on the measured data, each corrected by a U-Net. Here the U-Net
works on slabs, its maps are estimated a second time half-way, and at the end every acquired sample is put back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.imaging.acquired import Acquired
from pipelines.nets.coils import LARGEST, maps_with_phase

SHUFFLE = 2  # the U-Net's first level works on 2 x 2 pixels as channels: a quarter of the cost at full resolution
SLOPE = 0.1  # of the leaky rectifier
PLANE = (-2, -1)
START_STEPS = 8  # of conjugate gradients before the first cascade; noise grows faster than detail after more
START_DAMPING = 0.01
END_STEPS = 6  # after the last cascade: what the data still contradict in the network's image is taken back
END_DAMPING = 0.05  # of 0.02, 0.05, 0.1 and 0.2 the best in SSIM on simulated slabs of the training subjects
FLOOR = 1e-6  # keeps quotients finite where nothing was measured


@dataclass(frozen=True, slots=True)
class Architecture:
    """The network's sizes, as the bundle's `network_def` states them."""

    cascades: int
    channels: tuple[int, ...]  # of the U-Net's levels, from half resolution down


def to_image(kspace: Tensor) -> Tensor:
    """Centred orthonormal inverse Fourier transform over the last two axes."""
    image: Tensor = torch.fft.fftshift(torch.fft.ifft2(torch.fft.ifftshift(kspace, PLANE), norm="ortho"), PLANE)
    return image


def to_kspace(image: Tensor) -> Tensor:
    """Centred orthonormal Fourier transform over the last two axes."""
    kspace: Tensor = torch.fft.fftshift(torch.fft.fft2(torch.fft.ifftshift(image, PLANE), norm="ortho"), PLANE)
    return kspace


def rss(images: Tensor) -> Tensor:
    """(..., coil, y, x) complex64 -> (..., y, x) float32; the floor keeps its gradient finite at zero."""
    power = images.real.square() + images.imag.square()
    return (power.sum(dim=-3) + FLOOR**2).sqrt()


class AcrossSlices(nn.Module):
    """A channel-wise convolution over three neighbouring slices, at first only the middle one.

    (slices, channel, y, x) -> the same; beyond the slab's ends lie zeros. A single slice meets only the middle tap:
    the same weights are then a plain 2D network.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.tensor([0.0, 1.0, 0.0]).repeat(width, 1))

    def forward(self, features: Tensor) -> Tensor:
        below, here, above = self.taps.to(features.dtype)[:, :, None, None].unbind(dim=1)
        mixed = features * here
        if len(features) == 1:
            return mixed
        nothing = torch.zeros_like(features[:1])
        return mixed + torch.cat([nothing, features[:-1]]) * below + torch.cat([features[1:], nothing]) * above


class Block(nn.Module):
    """Two in-plane 3 x 3 convolutions, between them `across` (AcrossSlices for a slab), and a residual path.

    (slices, in, y, x) -> (slices, out, y, x); the slices of one slab are the batch.
    """

    def __init__(self, inputs: int, outputs: int, across: nn.Module) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.across = across
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        inner = functional.leaky_relu(self.first(features), SLOPE)
        inner = self.second(self.across(inner))
        return functional.leaky_relu(inner + self.skip(features), SLOPE)


class UNet(nn.Module):
    """A U-Net over the slices of one slab, pooling in-plane only; any size is padded to its stride and cropped.

    (slices, inputs, y, x) float32 -> (slices, outputs, y, x) float32. `across(width)` makes the layer that joins
    slices; `shuffle` folds that many pixels a side into channels first. The last layer starts at zero.
    """

    def __init__(
        self, inputs: int, outputs: int, channels: tuple[int, ...], shuffle: int, across: Callable[[int], nn.Module]
    ) -> None:
        super().__init__()
        area = shuffle**2
        sizes = (inputs * area, *channels)
        self.shuffle = shuffle
        self.stride = shuffle * 2 ** (len(channels) - 1)
        self.down = nn.ModuleList(Block(a, b, across(b)) for a, b in zip(sizes[:-1], channels, strict=True))
        pairs = list(pairwise(channels))[::-1]
        self.up = nn.ModuleList(nn.Conv2d(deep, high * 4, 1) for high, deep in pairs)
        self.join = nn.ModuleList(Block(2 * high, high, across(high)) for high, _ in pairs)
        self.last = nn.Conv2d(channels[0], outputs * area, 1)
        nn.init.zeros_(self.last.weight)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    def forward(self, features: Tensor) -> Tensor:
        height, width = features.shape[-2:]
        rows, columns = -height % self.stride, -width % self.stride
        padded = functional.pad(features, (0, columns, 0, rows))
        inner = functional.pixel_unshuffle(padded, self.shuffle).contiguous(memory_format=torch.channels_last)
        kept = []
        for level, block in enumerate(self.down):
            inner = block(functional.avg_pool2d(inner, 2) if level else inner)
            kept.append(inner)
        kept.pop()
        for widen, block in zip(self.up, self.join, strict=True):
            inner = block(torch.cat([functional.pixel_shuffle(widen(inner), 2), kept.pop()], dim=1))
        answer = functional.pixel_shuffle(self.last(inner).float(), self.shuffle)
        return answer[..., :height, :width]


def channels(image: Tensor) -> Tensor:
    """(slices, y, x) complex64 -> (slices, 2, y, x) float32: real and imaginary part."""
    return torch.stack([image.real, image.imag], dim=1)


def value(parts: Tensor) -> Tensor:
    """(slices, 2, y, x) float32 -> (slices, y, x) complex64."""
    return torch.complex(parts[:, 0].contiguous(), parts[:, 1].contiguous())


class Cascade(nn.Module):
    """A gradient step on the measured data, then the U-Net's correction of the slab.

    The U-Net sees the image and the step's gradient: where the two disagree with the data is where aliasing is.
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.correct = UNet(4, 2, sizes, SHUFFLE, AcrossSlices)

    def forward(self, image: Tensor, consistency: Consistency) -> Tensor:
        """(slices, y, x) complex64 -> the same, one step nearer."""
        gradient = consistency.gradient(image)
        correction = self.correct(torch.cat([channels(image), channels(gradient)], dim=1))
        return image - self.weight * gradient + value(correction)


@dataclass(frozen=True, slots=True)
class Measured:
    """A slab's k-space (slices, coil, ky, kx) complex64, zero where not acquired, with its mask (ky, kx) float32.

    `maps` (slices, coil, y, x) complex64 are sensitivities of unit sum of squares that carry the image's phase.
    """

    kspace: Tensor
    mask: Tensor
    maps: Tensor


class Consistency:
    """What the measured data say of an image under given maps.

    Zero frequency and the image's middle lie at the arrays' corner in here: only single images are shifted there and
    back then, not every coil's at every step.
    """

    def __init__(self, measured: Measured, maps: Tensor) -> None:
        self._maps = torch.fft.ifftshift(maps, PLANE)
        self._mask = torch.fft.ifftshift(measured.mask, PLANE)
        self.zero_filled = combine(to_image(measured.kspace), maps)

    def normal(self, image: Tensor) -> Tensor:
        """(slices, y, x) complex64 -> the same: spread over the coils, sampled, and combined again."""
        coils = self._maps * torch.fft.ifftshift(image, PLANE)[:, None]
        sampled = self._mask * torch.fft.fft2(coils, norm="ortho")
        back: Tensor = torch.fft.fftshift(combine(torch.fft.ifft2(sampled, norm="ortho"), self._maps), PLANE)
        return back

    def gradient(self, image: Tensor) -> Tensor:
        """(slices, y, x) complex64 -> the same: of half the squared distance to the data."""
        return self.normal(image) - self.zero_filled

    def nearest(self, start: Tensor, damping: float, steps: int) -> Tensor:
        """(slices, y, x) complex64 near to the data and, `damping` times as strongly, to `start`.

        Conjugate gradients on the normal equations; from nothing this is SENSE (Pruessmann et al. 2001).
        """
        image = start
        residual = direction = -self.gradient(start)
        power = residual.abs().square().sum()
        for _ in range(steps):
            bent = self.normal(direction) + damping * direction
            length = power / ((direction.conj() * bent).real.sum() + FLOOR**2)
            image, residual = image + length * direction, residual - length * bent
            before, power = power, residual.abs().square().sum()
            direction = residual + power / (before + FLOOR**2) * direction
        return image


@dataclass(frozen=True, slots=True)
class Completed:
    """What the network makes of a slab: the whole k-space, acquired samples as measured, and its image."""

    kspace: Tensor  # (slices, coil, ky, kx) complex64
    image: Tensor  # (slices, y, x) float32


class UnrolledNetwork(nn.Module):
    """Cascades on the maps from the calibration lines, then cascades on maps that the completed centre has mended."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.cascades = nn.ModuleList(Cascade(architecture.channels) for _ in range(architecture.cascades))
        self.middle = (architecture.cascades + 1) // 2

    def forward(self, measured: Measured) -> Completed:
        """Complete a slab whose brightest value is near one; any matrix size and any number of coils and slices."""
        maps = measured.maps
        consistency = Consistency(measured, maps)
        with torch.no_grad():  # nothing in it is learned
            image = consistency.nearest(torch.zeros_like(consistency.zero_filled), START_DAMPING, START_STEPS)
        for number, cascade in enumerate(self.cascades):
            if number == self.middle:
                kspace = complete(image, maps, measured)
                maps = maps_of_completed(kspace)
                image, consistency = combine(to_image(kspace), maps), Consistency(measured, maps)
            image = cascade(image, consistency)
        if not self.training:
            image = consistency.nearest(image, END_DAMPING, END_STEPS)
        kspace = complete(image, maps, measured)
        return Completed(kspace, rss(to_image(kspace)))


def centred(size: int) -> slice:
    """The middle LARGEST of `size` places."""
    start = max(0, size // 2 - LARGEST // 2)
    return slice(start, min(size, start + LARGEST))


@torch.no_grad()  # eigenvectors have no gradient worth following; the image that they combine has
def maps_of_completed(kspace: Tensor) -> Tensor:
    """(slices, coil, ky, kx) complex64 with nothing missing -> maps by ESPIRiT, from as wide a middle as it takes."""
    rows, columns = kspace.shape[-2:]
    whole = Acquired(kspace.cpu().numpy(), np.ones(rows, np.bool_), centred(rows), centred(columns))
    return torch.from_numpy(maps_with_phase(whole)).to(kspace.device)


def combine(images: Tensor, maps: Tensor) -> Tensor:
    """(slices, coil, y, x) coil images and maps -> (slices, y, x), the adjoint of spreading an image over coils."""
    return (images * maps.conj()).sum(dim=1)


def complete(image: Tensor, maps: Tensor, measured: Measured) -> Tensor:
    """The image's k-space in every coil, with each acquired sample exactly as measured."""
    return torch.where(measured.mask > 0, measured.kspace, to_kspace(maps * image[:, None]))


def unrolled(cascades: int, channels: Sequence[int]) -> UnrolledNetwork:
    """The network of a bundle's `network_def`, which states its sizes as JSON does."""
    return UnrolledNetwork(Architecture(cascades, tuple(channels)))
