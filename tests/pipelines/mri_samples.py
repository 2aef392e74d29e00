"""Multi-coil k-space of a real brain: the MNI template of nilearn's wheel seen by a simulated array."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nibabel
import nilearn
import numpy as np
import sigpy.mri
from numpy.typing import NDArray

from pipelines.imaging.acquired import Acquired
from pipelines.imaging.fourier import CENTRE_FRACTION, calibration_region, equispaced_mask, rss, to_kspace

TEMPLATE = Path(nilearn.__file__).parent / "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


@cache
def brain(slices: int, coils: int, size: int, noise: float = 0.003) -> NDArray[np.complex64]:
    """(slices, coil, size, size) complex64 fully sampled k-space, its brightest magnitude one before the noise."""
    volume = np.asarray(nibabel.nifti1.Nifti1Image.from_filename(TEMPLATE).dataobj, np.float32)
    step = 216 / size  # mm; the template's voxels have sides of one
    rows = np.clip((np.arange(size) * step).astype(int), 0, volume.shape[1] - 1)
    columns = np.clip((np.arange(size) * step - 10).astype(int), 0, volume.shape[0] - 1)
    planes = np.arange(slices) * 4 + volume.shape[2] // 2
    magnitude = volume[np.ix_(columns, rows, planes)].transpose(2, 1, 0)
    y, x = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    maps = sigpy.mri.birdcage_maps((coils, size, size), nzz=coils) if coils > 1 else np.ones((1, size, size))
    images = (magnitude * np.exp(1j * (0.7 * y - 0.4 * x * y)))[:, None] * maps
    images = images / rss(images.astype(np.complex64)).max()
    drawn = np.random.default_rng(0).normal(0, noise, (2, *images.shape))
    return to_kspace((images + drawn[0] + 1j * drawn[1]).astype(np.complex64))


def accelerated(kspace: NDArray[np.complex64], acceleration: int, seed: int = 0) -> Acquired:
    """What an accelerated scan would have measured of it."""
    mask = equispaced_mask(kspace.shape[-2], acceleration, CENTRE_FRACTION[acceleration], seed)
    return Acquired(kspace * mask[:, None], mask, *calibration_region(mask))
