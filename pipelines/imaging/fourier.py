"""Centred Fourier transforms, coil combination and Cartesian sampling masks (numpy)."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

PLANE = (-2, -1)  # ky, kx or y, x
CENTRE_FRACTION = {4: 0.08, 8: 0.04}  # of the lines, at each acceleration: fastMRI (Zbontar 2018, arXiv:1811.08839)


def to_image(kspace: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """(..., ky, kx) -> (..., y, x) complex64: centred orthonormal inverse transform, unit and energy kept."""
    shifted = np.fft.ifft2(np.fft.ifftshift(kspace, axes=PLANE), axes=PLANE, norm="ortho")
    return np.fft.fftshift(shifted, axes=PLANE).astype(np.complex64)


def to_kspace(image: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """(..., y, x) -> (..., ky, kx) complex64: centred orthonormal transform, unit and energy kept."""
    shifted = np.fft.fft2(np.fft.ifftshift(image, axes=PLANE), axes=PLANE, norm="ortho")
    return np.fft.fftshift(shifted, axes=PLANE).astype(np.complex64)


def rss(images: NDArray[np.complex64]) -> NDArray[np.float32]:
    """(..., coil, y, x) complex64 -> (..., y, x) float32: root sum of squares over the coils."""
    power: NDArray[np.float32] = (images.real**2 + images.imag**2).sum(axis=-3)
    return np.sqrt(power)


def seed_of(name: str) -> int:
    """The mask's seed for a file's name: the same on every machine, unlike `hash`."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])


def centre_lines(size: int, fraction: float) -> slice:
    """The middle `fraction` of `size` lines, at least one, around the zero frequency."""
    count = max(1, round(size * fraction))
    start = (size - count + 1) // 2
    return slice(start, start + count)


def equispaced_mask(size: int, acceleration: float, fraction: float, seed: int) -> NDArray[np.bool_]:
    """(size,) bool: evenly spaced lines from a random first one, and the centre; size / acceleration in all.

    The spacing between lines is widened by what the centre takes, so that the share of lines acquired is the stated
    one (fastMRI's EquispacedMaskFraction).
    """
    random, centre = np.random.default_rng(seed), centre_lines(size, fraction)
    count = centre.stop - centre.start
    outside = size / acceleration - count  # lines that may be spent beyond the centre
    mask = np.zeros(size, dtype=np.bool_)
    mask[centre] = True
    if outside > 0:
        spacing = (size - count) / outside
        offset = random.integers(0, max(1, round(spacing)))
        mask[np.round(np.arange(offset, size - 1, spacing)).astype(np.int64)] = True
    return mask


def random_mask(size: int, acceleration: float, fraction: float, seed: int) -> NDArray[np.bool_]:
    """(size,) bool: the centre, and each other line by chance so that size / acceleration are expected in all."""
    random, centre = np.random.default_rng(seed), centre_lines(size, fraction)
    count = centre.stop - centre.start
    mask: NDArray[np.bool_] = random.random(size) < (size / acceleration - count) / (size - count)
    mask[centre] = True
    return mask


def calibration_region(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The fully sampled middle of a (ky,) or (ky, kx) mask along ky and kx; empty slices where the middle is missing.

    Along kx it is everything for a (ky,) mask. For a mask over both axes the region grows evenly from the middle until
    neither side can grow.
    """
    if mask.ndim == 1:
        return run_through(mask), slice(None)
    middle = mask.shape[0] // 2, mask.shape[1] // 2
    if not mask[middle]:
        return slice(0, 0), slice(0, 0)
    rows, columns = slice(middle[0], middle[0] + 1), slice(middle[1], middle[1] + 1)
    grown = True
    while grown:
        grown = False
        for step in (-1, 1):
            taller, wider = longer(rows, step), longer(columns, step)
            if taller.start >= 0 and taller.stop <= mask.shape[0] and mask[taller, columns].all():
                rows, grown = taller, True
            if wider.start >= 0 and wider.stop <= mask.shape[1] and mask[rows, wider].all():
                columns, grown = wider, True
    return rows, columns


def longer(span: slice, step: int) -> slice:
    """A span of places with one more before (-1) or after (1)."""
    return slice(span.start - 1, span.stop) if step < 0 else slice(span.start, span.stop + 1)


def run_through(line: NDArray[np.bool_]) -> slice:
    """The unbroken run of True through the middle of a line of places; empty where the middle is False."""
    middle = len(line) // 2
    if not line[middle]:
        return slice(0, 0)
    gaps = np.flatnonzero(~line)
    before, after = gaps[gaps < middle], gaps[gaps > middle]
    return slice(int(before[-1]) + 1 if len(before) else 0, int(after[0]) if len(after) else len(line))
