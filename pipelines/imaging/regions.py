"""Parts of volumes: a box of a head, the model's millimetre grid, and the way back onto the source."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.grid import Affine, Grid, Volume, to_ras
from pipelines.imaging.resample import resample, resample_labels

#: Spacings that differ from the wanted one by less than this share are that spacing: nothing is interpolated.
_SAME_SPACING: Final = 0.01
_CORNERS: Final = tuple(itertools.product((0, 1), repeat=3))


def with_spacing(volume: Volume, spacing: float) -> Volume:
    """The volume with axes nearest to R, A, S and cubic voxels of `spacing` mm, about the same middle.

    Axes keep their directions. Where the spacing is right already, voxels are reordered and no value changes.
    """
    turned = to_ras(volume)
    steps = np.array(turned.grid.spacing)
    if np.abs(steps / spacing - 1).max() <= _SAME_SPACING:
        return turned
    return resample(volume, _spaced(turned.grid, spacing))


def box(grid: Grid, centre: NDArray[np.float64], shape: tuple[int, int, int]) -> Grid:
    """A grid of `shape` with the directions of `grid`, its middle voxel nearest to `centre` (RAS mm)."""
    index = np.rint(np.linalg.solve(grid.affine, [*centre, 1.0])[:3])
    first = index - np.array(shape) // 2
    return Grid(shape, grid.affine @ _shift(first))


def covered(grid: Grid, source: Grid) -> NDArray[np.bool_]:
    """(i, j, k) which voxels of `grid` lie within the field of view of `source`."""
    to_source = np.linalg.inv(source.affine) @ grid.affine
    axes = [np.arange(count, dtype=np.float64) for count in grid.shape]
    inside = np.ones(grid.shape, bool)
    for row, count in zip(to_source[:3], source.shape, strict=True):
        i, j, k = (row[axis] * values for axis, values in enumerate(axes))
        place = row[3] + i[:, None, None] + j[None, :, None] + k[None, None, :]
        inside &= (place >= -0.5) & (place <= count - 0.5)
    return inside


def part_of(source: Grid, grid: Grid) -> tuple[tuple[slice, slice, slice], Grid]:
    """Where in `source` a smaller grid lies: the voxels that hold it, and those voxels as a grid of their own.

    What is brought back to the source then takes memory for the part alone. The part may be empty.
    """
    corners = [[place * (count - 1) for place, count in zip(each, grid.shape, strict=True)] for each in _CORNERS]
    points = np.array([[*corner, 1.0] for corner in corners]) @ (np.linalg.inv(source.affine) @ grid.affine).T
    low = np.floor(points[:, :3].min(axis=0)).astype(int) - 1
    high = np.ceil(points[:, :3].max(axis=0)).astype(int) + 2
    i, j, k = (
        slice(int(np.clip(first, 0, count)), int(np.clip(last, 0, count)))
        for first, last, count in zip(low, high, source.shape, strict=True)
    )
    shape = (i.stop - i.start, j.stop - j.start, k.stop - k.start)
    return (i, j, k), Grid(shape, source.affine @ _shift(np.array([i.start, j.start, k.start])))


def labels_onto(target: NDArray[np.uint8], source: Grid, labels: NDArray[np.uint8], grid: Grid) -> None:
    """Write labels on `grid` into `target`, an array on the source grid; background leaves what is there."""
    place, part = part_of(source, grid)
    if 0 not in part.shape:
        moved = resample_labels(labels, grid, part)
        target[place] = np.where(moved > 0, moved, target[place])


def values_onto(target: NDArray[np.float32], source: Grid, values: NDArray[np.float32], grid: Grid) -> None:
    """Write values of 0-1 on `grid` into `target`, an array on the source grid; where both speak, the larger one."""
    place, part = part_of(source, grid)
    if 0 not in part.shape:
        moved = resample(Volume(values, grid), part).array
        target[place] = np.maximum(target[place], np.clip(moved, 0, 1))


def _spaced(grid: Grid, spacing: float) -> Grid:
    steps = np.array(grid.spacing)
    counts = np.maximum(1, np.rint(np.array(grid.shape) * steps / spacing).astype(int))
    affine: Affine = grid.affine.copy()
    affine[:3, :3] = grid.affine[:3, :3] / steps * spacing
    affine[:3, 3] = grid.centre - affine[:3, :3] @ ((counts - 1) / 2)
    return Grid((int(counts[0]), int(counts[1]), int(counts[2])), affine)


def _shift(first: NDArray[np.float64] | NDArray[np.int64]) -> Affine:
    moved = np.eye(4)
    moved[:3, 3] = first
    return moved
