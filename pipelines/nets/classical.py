"""Reconstruction without learning: zero-filled, SENSE and compressed sensing (numpy, sigpy)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.acquired import Acquired, Reconstructed
from pipelines.imaging.fourier import rss, to_image, to_kspace
from pipelines.nets.coils import espirit_maps

Plane = NDArray[np.complex64]
SENSE_ITERATIONS = 30
CS_ITERATIONS = 100  # sigpy's own number
STEP = 1.0  # of gradient descent: sampling, transform and maps of unit sum of squares together never lengthen a vector


class ZeroFilled:
    """What was measured and zeros elsewhere, root sum of squares over coils: no assumption, all the aliasing."""

    name = "zero_filled"

    def reconstruct(self, acquired: Acquired) -> Reconstructed:
        """Image neighbouring slices."""
        return Reconstructed(rss(to_image(acquired.kspace)), kspace=None, uncertainty=None)


class Sense:
    """Parallel imaging: conjugate gradients on the measured samples with estimated maps (Pruessmann et al. 2001)."""

    name = "sense"

    def __init__(self, weight: float) -> None:
        """`weight` is of the Tikhonov term, with the zero-filled image's maximum as one."""
        self._weight = weight

    def reconstruct(self, acquired: Acquired) -> Reconstructed:
        """Image each slice; raises UnsuitableInput without calibration lines."""
        return by_slice(acquired, self._solve)

    def _solve(self, measured: Plane, maps: Plane) -> Plane:
        import sigpy.mri  # seconds of compiling, which a process that never runs this method is spared

        solver = sigpy.mri.app.SenseRecon(
            measured, maps, lamda=self._weight, max_iter=SENSE_ITERATIONS, show_pbar=False
        )
        return np.asarray(solver.run(), np.complex64)


class CompressedSensing:
    """Sparse wavelets under the measured samples, ESPIRiT maps (Lustig et al. 2007): the baseline to beat."""

    name = "compressed_sensing"

    def __init__(self, weight: float) -> None:
        """`weight` is of the wavelets' absolute sum, with the zero-filled image's maximum as one."""
        self._weight = weight

    def reconstruct(self, acquired: Acquired) -> Reconstructed:
        """Image each slice; raises UnsuitableInput without calibration lines."""
        return by_slice(acquired, self._solve)

    def _solve(self, measured: Plane, maps: Plane) -> Plane:
        import sigpy.mri  # seconds of compiling, which a process that never runs this method is spared

        # With the step given sigpy need not estimate it, which it does with the global random state.
        solver = sigpy.mri.app.L1WaveletRecon(
            measured, maps, self._weight, alpha=STEP, max_iter=CS_ITERATIONS, show_pbar=False
        )
        return np.asarray(solver.run(), np.complex64)


def by_slice(acquired: Acquired, solve: Callable[[Plane, Plane], Plane]) -> Reconstructed:
    """Solve each slice for one image under its maps, spread it over the coils and put the measured samples back.

    `solve` takes (coil, ky, kx) and (coil, y, x) and gives (y, x), its data scaled so that the zero-filled image's
    maximum is one.
    """
    maps, mask = espirit_maps(acquired), acquired.plane_mask
    scale = float(rss(to_image(acquired.kspace)).max()) or 1.0
    images = [solve(kspace / scale, coils) for kspace, coils in zip(acquired.kspace, maps, strict=True)]
    spread = to_kspace(maps * (np.stack(images) * scale)[:, None])
    kspace = np.where(mask, acquired.kspace, spread)
    return Reconstructed(rss(to_image(kspace)), kspace, uncertainty=None)
