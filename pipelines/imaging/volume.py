"""Volumes: a 3D array with its place in the patient, in RAS millimetres as NIfTI counts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where voxels lie: `shape` (i, j, k) and the (4, 4) float64 affine from voxel indices to RAS+ millimetres."""

    shape: tuple[int, int, int]
    affine: Affine

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxels along each axis, in millimetres."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def voxel_ml(self) -> float:
        """The volume of one voxel, in millilitres."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Values on a grid: `array` (i, j, k) float32 in the source's units (after rescale)."""

    array: NDArray[np.float32]
    grid: Grid
