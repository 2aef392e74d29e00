"""Coil sensitivities from calibration lines for the classical methods (ESPIRiT through sigpy; no GPU)."""

from __future__ import annotations

import numpy as np
import sigpy.mri
from numpy.typing import NDArray

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.acquired import Acquired

KERNEL = 6  # samples a side, and the largest calibration square: the values of Uecker et al. 2014
LARGEST = 24
SMALLEST = 2  # lines; fewer say nothing of how the coils differ
THRESHOLD = 0.02  # of the largest singular value
CROP = 0.0  # keep the maps everywhere: air would otherwise be black in the image and not in the reference


def espirit_maps(acquired: Acquired) -> NDArray[np.complex64]:
    """(slices, coil, y, x) complex64 maps of unit sum of squares, one set (Uecker et al. 2014, ESPIRiT).

    A single coil sees everything alike. Raises UnsuitableInput (`kspace_no_calibration`) without a sampled middle.
    """
    slices, coils, rows, columns = acquired.kspace.shape
    width = calibration_width(acquired)
    if coils == 1:
        return np.ones((slices, 1, rows, columns), dtype=np.complex64)
    kernel = min(KERNEL, width // 2 + 1)
    maps = [
        sigpy.mri.app.EspiritCalib(
            kspace, calib_width=width, thresh=THRESHOLD, kernel_width=kernel, crop=CROP, show_pbar=False
        ).run()
        for kspace in acquired.kspace
    ]
    finite: NDArray[np.complex64] = np.nan_to_num(np.stack(maps))  # a dead first coil leaves a phase that is no number
    return finite


def calibration_width(acquired: Acquired) -> int:
    """Side in samples of the largest square around the middle that is fully sampled, LARGEST at most.

    Raises UnsuitableInput (`kspace_no_calibration`) where it is narrower than SMALLEST.
    """
    rows, columns = acquired.kspace.shape[-2:]
    width = min(
        LARGEST, centred_width(acquired.calibration, rows), centred_width(acquired.calibration_columns, columns)
    )
    if width < SMALLEST:
        raise UnsuitableInput("the middle of k-space is not sampled", code="kspace_no_calibration", lines=width)
    return width


def centred_width(span: slice, size: int) -> int:
    """The largest w for which places size // 2 - w // 2 and the w - 1 after it lie in `span`."""
    start, stop, _ = span.indices(size)
    below, above = size // 2 - start, stop - size // 2  # places before the middle, and from it on
    return max(0, min(2 * below + 1, 2 * above))
