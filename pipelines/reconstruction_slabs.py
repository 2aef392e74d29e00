"""Reconstructs raw MRI data slab by slab, so that memory stays bounded whatever the file's size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import OutOfMemory
from pipelines.imaging import partial_fourier
from pipelines.imaging.acquired import Acquired, Reconstructor
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.fourier import calibration_region, rss, to_image
from pipelines.imaging.kspace import KspaceHeader, Survey
from pipelines.imaging.support import check

Real = NDArray[np.float32]
Complex = NDArray[np.complex64]

#: Neighbouring planes that go through the network together, most first: what it was trained on, then fewer.
LADDER: Final = (5, 3, 1)
#: Samples that one read brings: a 3D file is passed through once for each.
_READ_BYTES: Final = 1 << 28
#: Peak of a slab in copies of its samples (measured: benchmarks/reconstruction.py), and of what the libraries hold.
_COPIES: Final = 40
_PROGRAM_BYTES: Final = 900_000_000
#: float32 images of a plane that stay: reconstruction, zero-filled, uncertainty, correction, and their turned copies.
_IMAGES: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Volumes:
    """All planes' images and checks, (planes, rows, columns), float32 in k-space's units or bool; see support.Support.

    `residual` (planes,) is what one image leaves unexplained, `acquired_residual` what differs on acquired samples:
    shares of the measured signal.
    """

    image: Real
    zero_filled: Real
    uncertainty: Real
    correction: Real
    flagged: NDArray[np.bool_]
    tissue: NDArray[np.bool_]
    checked: NDArray[np.bool_]
    residual: NDArray[np.float64]
    acquired_residual: float


def slab_planes(header: KspaceHeader, memory_bytes: int | None) -> int:
    """How many planes a slab may hold; raises OutOfMemory with numbers where not even one fits."""
    columns, planes = header.columns, header.slices
    if header.is_3d:
        columns, planes = header.partitions, round(header.columns / header.readout_oversampling)
    plane = header.coils * header.rows * columns * np.dtype(np.complex64).itemsize
    kept = planes * header.rows * columns * np.dtype(np.float32).itemsize * _IMAGES
    for count in LADDER:
        needed = _PROGRAM_BYTES + kept + count * plane * _COPIES
        if memory_bytes is None or needed <= memory_bytes:
            return count
    raise OutOfMemory(
        "the raw data are too large to reconstruct here",
        code="kspace_too_large",
        needed_megabytes=needed // 10**6,
        allowed_megabytes=memory_bytes // 10**6 if memory_bytes else None,
    )


def reconstruct(
    path: Path, decoder: Decoder, survey: Survey, method: Reconstructor, most: int, progress: Callable[[float], None]
) -> Volumes:
    """All planes by one method, checked against what was measured."""
    volumes = _empty(survey)
    error = power = 0.0
    for start, measured in _slabs(path, decoder, survey, most):
        mask = survey.mask(start)
        image, completed, doubt = _slab(measured, mask, survey, method)
        supports = check(completed, measured, mask, survey.noise)
        span = slice(start, start + len(measured))
        volumes.image[span], volumes.zero_filled[span] = image, rss(to_image(measured))
        volumes.correction[span] = np.stack([each.correction for each in supports])
        # Methods without a doubt of their own: what the measured data would change stands for it.
        volumes.uncertainty[span] = volumes.correction[span] if doubt is None else doubt
        volumes.flagged[span] = np.stack([each.flagged for each in supports])
        volumes.tissue[span] = np.stack([each.tissue for each in supports])
        volumes.checked[span] = np.stack([each.checked for each in supports])
        volumes.residual[span] = [each.residual for each in supports]
        error += float(np.linalg.norm((completed - measured) * mask)) ** 2
        power += float(np.linalg.norm(measured)) ** 2
        progress(span.stop / survey.planes)
    return replace(volumes, acquired_residual=float(np.sqrt(error / power)))


def _empty(survey: Survey) -> Volumes:
    """Room for all planes."""
    shape = (survey.planes, survey.rows, survey.columns)
    image, zero_filled, uncertainty, correction = (np.zeros(shape, np.float32) for _ in range(4))
    flagged, tissue, checked = (np.zeros(shape, np.bool_) for _ in range(3))
    residual = np.zeros(survey.planes, np.float64)
    return Volumes(image, zero_filled, uncertainty, correction, flagged, tissue, checked, residual, 0.0)


def _slabs(path: Path, decoder: Decoder, survey: Survey, most: int) -> Iterator[tuple[int, Complex]]:
    """(first plane, samples (planes, coil, rows, columns)) of neighbouring planes with one mask, noise made white."""
    a_read = max(most, _READ_BYTES // survey.plane_bytes)
    for begin in range(0, survey.planes, a_read):
        block = decoder.kspace_planes(path, survey.coils, begin, min(begin + a_read, survey.planes))
        start = 0
        while start < len(block):
            stop = start + 1
            same = survey.mask(begin + start)
            while stop < min(len(block), start + most) and np.array_equal(survey.mask(begin + stop), same):
                stop += 1
            slab = block[start:stop]
            if survey.whitening is not None:
                slab = np.einsum("ij,pjyx->piyx", survey.whitening.astype(np.complex64), slab)
            yield begin + start, np.ascontiguousarray(slab)
            start = stop


def _slab(
    measured: Complex, mask: NDArray[np.bool_], survey: Survey, method: Reconstructor
) -> tuple[Real, Complex, Real | None]:
    """Image, completed k-space and uncertainty of one slab; what was measured whole is only transformed.

    The method sees the rows around the middle that were covered; a side that partial Fourier left out is filled after.
    """
    if mask.all():
        return rss(to_image(measured)), measured, None
    inner = _around_middle(survey)
    own = mask[inner]
    rows, columns = calibration_region(own[:, 0] if survey.is_by_line else own)
    part = Acquired(measured[:, :, inner], own[:, 0] if survey.is_by_line else own, rows, columns)
    made = method.reconstruct(part)
    if inner == slice(0, survey.rows) and survey.covered == (0, survey.rows):
        return made.image, measured if made.kspace is None else made.kspace, made.uncertainty
    completed = np.zeros_like(measured)
    completed[:, :, inner] = part.kspace if made.kspace is None else made.kspace
    start, stop = survey.covered
    if survey.is_partial and made.kspace is not None:
        completed[:, :, :start], completed[:, :, stop:] = 0, 0
        completed[:, :, inner] = partial_fourier.fill(completed[:, :, inner], start - inner.start, stop - inner.start)
    doubt = None if made.uncertainty is None else _enlarged(made.uncertainty, survey.rows)
    return rss(to_image(completed)), completed, doubt


def _around_middle(survey: Survey) -> slice:
    """The rows around the middle that hold all that was covered."""
    middle, (start, stop) = survey.rows // 2, survey.covered
    reach = max(middle - start, stop - middle)
    return slice(max(middle - reach, 0), min(middle + reach, survey.rows))


def _enlarged(images: Real, rows: int) -> Real:
    """Images of fewer rows on `rows` rows, their values as the orthonormal transform of more rows makes them."""
    places = np.arange(rows) * images.shape[1] // rows
    return images[:, places] * np.float32(np.sqrt(images.shape[1] / rows))
