"""Coil sensitivities from calibration lines for the classical methods: ESPIRiT with as many columns as lines allow.

sigpy's EspiritCalib takes a square of calibration samples. At eight times acceleration there are five to ten lines, and
a square of that side leaves most of what was measured unused; the baseline would be weaker than it need be.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.acquired import Acquired
from pipelines.imaging.fourier import to_image

KERNEL = 6  # samples a side, and the largest calibration region: the values of Uecker et al. 2014
LARGEST = 24
SMALLEST = 2  # lines; fewer say nothing of how the coils differ
THRESHOLD = 0.02  # of the largest singular value
GRID = 32  # samples a side on which maps are solved; kernels of six samples cannot make them vary faster


def espirit_maps(acquired: Acquired) -> NDArray[np.complex64]:
    """(slices, coil, y, x) complex64 maps of unit sum of squares, one set (Uecker et al. 2014, ESPIRiT).

    They are kept in air too, which would otherwise be black in the image and not in its reference. A single coil sees
    everything alike. Raises UnsuitableInput (`kspace_no_calibration`) without a sampled middle.
    """
    slices, coils, rows, columns = acquired.kspace.shape
    region = calibration_square(acquired)
    if coils == 1:
        return np.ones((slices, 1, rows, columns), dtype=np.complex64)
    return np.stack([finer(coarse_maps(kspace), (rows, columns)) for kspace in acquired.kspace[:, :, *region]])


def maps_with_phase(acquired: Acquired) -> NDArray[np.complex64]:
    """ESPIRiT maps that carry the phase of the low-resolution image, so that the combined image is nearly real.

    (slices, coil, y, x) complex64 of unit sum of squares; raises UnsuitableInput (`kspace_no_calibration`).
    """
    maps = espirit_maps(acquired)
    middle = np.zeros_like(acquired.kspace)
    region = (..., acquired.calibration, acquired.calibration_columns)
    middle[region] = acquired.kspace[region]
    combined = (to_image(middle) * maps.conj()).sum(axis=1, keepdims=True)
    turned: NDArray[np.complex64] = maps * np.exp(1j * np.angle(combined))
    return turned


def coarse_maps(calibration: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """(coil, ky, kx) fully sampled middle -> (coil, GRID, GRID) maps: eigenvectors of the kernels' image at each pixel.

    Their phase is such that the strongest virtual coil is real: unlike a first coil it is never dead.
    """
    coils = len(calibration)
    tall, wide = (min(KERNEL, size // 2 + 1) for size in calibration.shape[1:])
    windows = sliding_window_view(calibration, (tall, wide), axis=(1, 2))
    blocks = windows.transpose(1, 2, 0, 3, 4).reshape(-1, coils * tall * wide)
    _, strengths, rows = np.linalg.svd(blocks, full_matrices=False)
    kernels = rows[strengths > THRESHOLD * strengths[0]].reshape(-1, coils, tall, wide)
    placed = np.zeros((len(kernels), coils, GRID, GRID), dtype=np.complex64)
    middle = GRID // 2
    placed[..., middle - tall // 2 : middle - tall // 2 + tall, middle - wide // 2 : middle - wide // 2 + wide] = (
        kernels
    )
    seen = to_image(placed).transpose(2, 3, 1, 0)
    _, vectors = np.linalg.eigh(seen @ seen.conj().swapaxes(-1, -2))
    maps = vectors[..., -1]
    samples = calibration.reshape(coils, -1)
    strongest = np.linalg.eigh(samples @ samples.conj().T)[1][:, -1]
    phase = np.exp(-1j * np.angle(maps @ strongest.conj()))
    turned: NDArray[np.complex64] = (maps * phase[..., None]).transpose(2, 0, 1).astype(np.complex64)
    return turned


def finer(maps: NDArray[np.complex64], shape: tuple[int, int]) -> NDArray[np.complex64]:
    """(coil, GRID, GRID) -> (coil, *shape) by cubic splines between centred grids, the sum of squares made one."""
    places = [(np.arange(size) - size // 2) * (GRID / size) + GRID // 2 for size in shape]
    grid = np.meshgrid(*places, indexing="ij")
    fine = np.stack([ndimage.map_coordinates(one, grid, order=3, mode="grid-wrap") for one in maps])
    strength = np.sqrt((np.abs(fine) ** 2).sum(axis=0))
    even: NDArray[np.complex64] = (fine / np.maximum(strength, np.finfo(np.float32).tiny)).astype(np.complex64)
    return even


def calibration_square(acquired: Acquired) -> tuple[slice, slice]:
    """The fully sampled middle along ky and kx, LARGEST samples a side at most.

    Raises UnsuitableInput (`kspace_no_calibration`) where either side is shorter than SMALLEST.
    """
    rows, columns = acquired.kspace.shape[-2:]
    region = shortened(acquired.calibration, rows), shortened(acquired.calibration_columns, columns)
    shortest = min(side.stop - side.start for side in region)
    if shortest < SMALLEST:
        raise UnsuitableInput("the middle of k-space is not sampled", code="kspace_no_calibration", lines=shortest)
    return region


def shortened(span: slice, size: int) -> slice:
    """The places of `span` that are within LARGEST around the middle of `size`."""
    start, stop, _ = span.indices(size)
    first = size // 2 - LARGEST // 2
    return slice(max(start, first), max(start, first, min(stop, first + LARGEST)))
