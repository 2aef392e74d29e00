"""What the readers of both raw data layouts give: planes of k-space on demand, and where their images lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.kspace import Geometry, KspaceHeader, KspaceNote

Kspace = NDArray[np.complex64]
Span = tuple[int, int]
#: Scanners have at most 128 channels; larger matrices than these are mistakes.
MAX_COILS: Final = 256
MAX_SIDE: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where the planes' images lie; see Survey for `axes`, `crop` and `affine`."""

    axes: tuple[int, int, int]
    crop: tuple[Span, Span]
    affine: NDArray[np.float64]
    geometry: Geometry


@dataclass(frozen=True, slots=True, eq=False)
class RawSource:
    """An opened raw data file.

    `read(start, stop)` gives planes (planes, coil, rows, columns) complex64 as they were measured, zero where nothing
    was, without readout oversampling. `noise` are noise samples (coil, n), already at the data's bandwidth.
    `stored_mask` is the mask that the file states, (rows,) or (rows, columns).
    """

    header: KspaceHeader
    planes: int
    rows: int
    columns: int
    read: Callable[[int, int], Kspace]
    place: Place
    noise: Kspace | None = None
    stored_mask: NDArray[np.bool_] | None = None
    notes: tuple[KspaceNote, ...] = field(default=())


def middle(size: int, kept: int) -> Span:
    """The `kept` of `size` samples around the centre of a centred transform, index size // 2."""
    start = size // 2 - kept // 2
    return start, start + kept


def without_oversampling(kspace: Kspace, axis: int, kept: int) -> Kspace:
    """k-space whose image is cut to its middle `kept` pixels along `axis`: same resolution, smaller field of view.

    Unit: the image's values stay as they are.
    """
    size = kspace.shape[axis]
    if kept == size:
        return kspace
    start, stop = middle(size, kept)
    line = np.fft.ifft(np.fft.ifftshift(kspace, axes=axis), axis=axis, norm="ortho")
    line = np.fft.fftshift(line, axes=axis).take(range(start, stop), axis=axis)
    line = np.fft.fft(np.fft.ifftshift(line, axes=axis), axis=axis, norm="ortho")
    return np.fft.fftshift(line, axes=axis).astype(np.complex64)


def believable(coils: int, *sides: int) -> None:
    """Raises UnsuitableInput (kspace_matrix) where sizes are no scanner's."""
    if not 0 < coils <= MAX_COILS or not all(0 < side <= MAX_SIDE for side in sides):
        raise UnsuitableInput(
            "the raw data's sizes are not those of a scan", code="kspace_matrix", coils=coils, sides=list(sides)
        )
