"""Windows over a volume that is larger than what a network takes at once, blended by a Gaussian."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Shape = tuple[int, int, int]
#: (n, 1, x, y, z) windows -> (n, k, x, y, z) values, any n up to the batch.
Predict = Callable[[Array], Array]
Kind = TypeVar("Kind", bound=np.generic)

#: Of the window's side: trust falls off from its middle (Isensee et al. 2021, nnU-Net, online methods).
_SIGMA: Final = 1 / 8
#: A corner's weight is this share of the middle's, so that no voxel's sum of weights vanishes in float32.
_LEAST_WEIGHT: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Tiling:
    """How windows cover a volume: their size in voxels, the least overlap (share of a side) and how many go at once."""

    window: Shape
    overlap: float
    batch: int

    def starts(self, shape: Shape) -> list[Shape]:
        """The first voxel of every window over a volume of at least a window's size, spread evenly along each axis."""
        x, y, z = (_starts(length, side, self.overlap) for length, side in zip(shape, self.window, strict=True))
        return list(itertools.product(x, y, z))


def slide(volume: Array, tiling: Tiling, predict: Predict) -> Array:
    """(x, y, z) -> (k, x, y, z) float32: each window's answer, averaged with Gaussian weights where they overlap.

    A volume smaller than the window is surrounded by zeros, which is the mean of a normalised volume; the answer is cut
    out again. One window alone is taken as it is.
    """
    padding = [_padding(length, side) for length, side in zip(volume.shape, tiling.window, strict=True)]
    padded = np.pad(volume, padding)
    inner = tuple(slice(before, before + length) for (before, _), length in zip(padding, volume.shape, strict=True))
    starts = tiling.starts((padded.shape[0], padded.shape[1], padded.shape[2]))
    if len(starts) == 1:
        return np.ascontiguousarray(predict(padded[None, None])[0][:, *inner])
    weights = gaussian(tiling.window)
    total, seen = np.zeros(0, np.float32), np.zeros(padded.shape, np.float32)
    for places, answers in _answers(padded, starts, tiling, predict):
        if not total.size:
            total = np.zeros((answers.shape[1], *padded.shape), np.float32)
        for place, answer in zip(places, answers, strict=True):
            total[:, *place] += answer * weights
            seen[place] += weights
    return np.ascontiguousarray((total / seen)[:, *inner])


@dataclass(frozen=True, slots=True)
class Window:
    """One window over a volume of `shape`: where it begins in the volume surrounded by `padding`."""

    shape: Shape
    padding: tuple[tuple[int, int], ...]
    place: tuple[slice, ...]

    def cut(self, volume: NDArray[Kind]) -> NDArray[Kind]:
        """What of (x, y, z) the window sees; zeros beside it."""
        return np.ascontiguousarray(np.pad(volume, self.padding)[self.place])

    def back(self, values: Array) -> Array:
        """A window's values in a volume of `shape`; zeros elsewhere."""
        whole = np.zeros([b + length + a for length, (b, a) in zip(self.shape, self.padding, strict=True)], np.float32)
        whole[self.place] = values
        inner = (slice(b, b + length) for length, (b, _) in zip(self.shape, self.padding, strict=True))
        return np.ascontiguousarray(whole[tuple(inner)])


def window_at(shape: Shape, middle: NDArray[np.float64], window: Shape) -> Window:
    """The window of a size whose middle is nearest to a voxel of a volume and that stays on it where it can."""
    padding, place = [], []
    for length, side, centre in zip(shape, window, middle, strict=True):
        before, after = _padding(length, side)
        first = int(np.clip(round(float(centre) + before - (side - 1) / 2), 0, before + length + after - side))
        padding.append((before, after))
        place.append(slice(first, first + side))
    return Window(shape, tuple(padding), tuple(place))


def gaussian(window: Shape) -> Array:
    """(x, y, z) float32 weights of a window's voxels: 1 in the middle, never below a thousandth."""
    axes = []
    for side in window:
        offsets = (np.arange(side) - (side - 1) / 2) / (_SIGMA * side)
        axes.append(np.exp(-0.5 * offsets**2))
    weights = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
    return np.asarray(np.maximum(weights / weights.max(), _LEAST_WEIGHT), np.float32)


def _answers(
    volume: Array, starts: Sequence[Shape], tiling: Tiling, predict: Predict
) -> Iterator[tuple[list[tuple[slice, ...]], Array]]:
    """The windows' places and the network's answers, a batch at a time."""
    every = [tuple(slice(f, f + side) for f, side in zip(start, tiling.window, strict=True)) for start in starts]
    for first in range(0, len(every), tiling.batch):
        places = every[first : first + tiling.batch]
        yield places, predict(np.stack([volume[place] for place in places])[:, None])


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """Evenly spread beginnings of windows of `side` voxels over `length` voxels."""
    step = max(1, int(side * (1 - overlap)))
    count = 1 + -(-(length - side) // step)
    return [round(number * (length - side) / max(1, count - 1)) for number in range(count)]


def _padding(length: int, side: int) -> tuple[int, int]:
    missing = max(0, side - length)
    return missing // 2, missing - missing // 2
