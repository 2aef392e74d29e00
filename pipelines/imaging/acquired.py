"""What a reconstruction starts from and what it gives: undersampled k-space in, image and completed k-space out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Acquired:
    """Neighbouring slices of Cartesian k-space and where it was sampled.

    `kspace` is (slices, coil, ky, kx) complex64, centred, zero where not acquired; `mask` (ky,) or (ky, kx) bool;
    `calibration` the fully sampled middle along ky, `calibration_columns` along kx where both axes encode phase.
    """

    kspace: NDArray[np.complex64]
    mask: NDArray[np.bool_]
    calibration: slice
    calibration_columns: slice = field(default_factory=lambda: slice(None))

    @property
    def plane_mask(self) -> NDArray[np.bool_]:
        """(ky, kx) bool, whichever way the mask was given."""
        columns = self.kspace.shape[-1]
        return np.broadcast_to(self.mask[:, None], (len(self.mask), columns)) if self.mask.ndim == 1 else self.mask

    def part(self, slices: slice) -> Acquired:
        """The same acquisition with only some of its slices."""
        return Acquired(self.kspace[slices], self.mask, self.calibration, self.calibration_columns)


@dataclass(frozen=True, slots=True)
class Reconstructed:
    """An image (slices, y, x) float32 in the unit of the k-space it came from.

    `kspace` is the completed (slices, coil, ky, kx) complex64 with every acquired sample as measured, None where the
    method makes none; `uncertainty` (slices, y, x) float32 in the image's unit, None where the method has none.
    """

    image: NDArray[np.float32]
    kspace: NDArray[np.complex64] | None
    uncertainty: NDArray[np.float32] | None


class Reconstructor(Protocol):
    """One way to make images of undersampled k-space."""

    name: str

    def reconstruct(self, acquired: Acquired) -> Reconstructed:
        """Image neighbouring slices; the same input gives the same output, the global random state is untouched."""
        ...
