"""Where voxels lie: grids and volumes in RAS millimetres, as NIfTI counts them, and what turns and flips of axes do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
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

    @property
    def extent(self) -> tuple[float, float, float]:
        """The length of the field of view along each axis, in millimetres."""
        i, j, k = (count * step for count, step in zip(self.shape, self.spacing, strict=True))
        return i, j, k

    def point(self, index: tuple[float, float, float]) -> NDArray[np.float64]:
        """A place in voxel indices -> (3,) RAS millimetres."""
        return np.asarray(self.affine[:3, :3] @ np.asarray(index, np.float64) + self.affine[:3, 3])

    @property
    def centre(self) -> NDArray[np.float64]:
        """The middle of the field of view, (3,) RAS millimetres."""
        i, j, k = ((count - 1) / 2 for count in self.shape)
        return self.point((i, j, k))


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Values on a grid: `array` (i, j, k) float32 in the source's units (after rescale)."""

    array: NDArray[np.float32]
    grid: Grid


@dataclass(frozen=True, slots=True)
class AxisOrder:
    """How the axes of a grid lie in the patient: `axes[r]` is the voxel axis nearest to R, A, S; `flips` where it runs
    the other way (to L, P, I)."""

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]


def axis_order(affine: Affine) -> AxisOrder:
    """The permutation and flips that bring a grid nearest to RAS; the strongest direction is settled first."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    strength = np.abs(directions)
    axes, flips = [0, 0, 0], [False, False, False]
    for _ in range(3):
        world, axis = (int(place) for place in np.unravel_index(int(np.argmax(strength)), (3, 3)))
        axes[world], flips[world] = axis, bool(directions[world, axis] < 0)
        strength[world, :], strength[:, axis] = -1.0, -1.0
    return AxisOrder((axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2]))


def ras_grid(grid: Grid) -> Grid:
    """The same voxels counted nearest to right, anterior, superior."""
    order = axis_order(grid.affine)
    turn = np.zeros((4, 4))
    turn[3, 3] = 1.0
    for world, (axis, flip) in enumerate(zip(order.axes, order.flips, strict=True)):
        turn[axis, world] = -1.0 if flip else 1.0
        turn[axis, 3] = grid.shape[axis] - 1.0 if flip else 0.0
    i, j, k = (grid.shape[axis] for axis in order.axes)
    return Grid((i, j, k), grid.affine @ turn)


def to_ras(volume: Volume) -> Volume:
    """The same voxels, axes permuted and flipped so that they run nearest to R, A, S; no value changes."""
    order = axis_order(volume.grid.affine)
    array = volume.array.transpose(order.axes)
    array = array[tuple(slice(None, None, -1 if flip else 1) for flip in order.flips)]
    return Volume(array, ras_grid(volume.grid))
