"""Small versions of volumes for registration: means over blocks, grids along RAS, zeros around, local normalisation."""

from __future__ import annotations

from typing import Final

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.resample import resample

#: Where a volume varies less than this share of its livelier parts, it counts as flat: noise is not blown up.
_FLAT_SHARE: Final = 0.1
_LIVELY_PERCENTILE: Final = 95


def on_grid(volume: Volume, spacing: float) -> Volume:
    """The volume on an isotropic grid along RAS that holds all of it, `spacing` in mm; averaged, not only sampled."""
    small = shrunk(volume, spacing)
    sides = [(-0.5, count - 0.5) for count in small.grid.shape]
    corners = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 3)
    world = corners @ small.grid.affine[:3, :3].T + small.grid.affine[:3, 3]
    low, high = world.min(axis=0), world.max(axis=0)
    i, j, k = (int(np.ceil(length / spacing)) for length in high - low)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = low + spacing / 2
    return resample(small, Grid((i, j, k), affine))


def shrunk(volume: Volume, spacing: float) -> Volume:
    """Means over blocks of whole voxels, as large as fit into `spacing` mm; what is left at the far ends is cut off."""
    counts = [
        max(1, min(n, int(spacing / step + 0.01)))
        for n, step in zip(volume.grid.shape, volume.grid.spacing, strict=True)
    ]
    i, j, k = (n // count for n, count in zip(volume.grid.shape, counts, strict=True))
    a, b, c = counts
    blocks = volume.array[: i * a, : j * b, : k * c].reshape(i, a, j, b, k, c)
    turn = np.diag([a, b, c, 1.0])
    turn[:3, 3] = [(count - 1) / 2 for count in counts]
    means = np.asarray(blocks.mean(axis=(1, 3, 5), dtype=np.float32), np.float32)
    return Volume(means, Grid((i, j, k), volume.grid.affine @ turn))


def padded(volume: Volume, margin: float) -> Volume:
    """Zeros around the volume, `margin` mm wide."""
    i, j, k = (round(margin / step) for step in volume.grid.spacing)
    affine = volume.grid.affine.copy()
    affine[:3, 3] = volume.grid.point((-i, -j, -k))
    array = np.pad(volume.array, [(i, i), (j, j), (k, k)])
    shape = array.shape
    return Volume(array, Grid((shape[0], shape[1], shape[2]), affine))


def local(volume: Volume, width: float) -> Volume:
    """Each value less its surroundings' mean, over their deviation: what is left are borders, not shading.

    `width` is the standard deviation of the Gaussian surroundings in mm.
    """
    centred = volume.array - _smooth(volume.array, volume.grid, width)
    deviation = np.sqrt(np.clip(_smooth(centred * centred, volume.grid, width), 0, None))
    floor = _FLAT_SHARE * float(np.percentile(deviation, _LIVELY_PERCENTILE))
    return Volume(np.asarray(centred / (deviation + max(floor, np.finfo(np.float32).tiny)), np.float32), volume.grid)


def image(array: NDArray[np.float32] | NDArray[np.uint8], grid: Grid) -> sitk.Image:
    """An ITK image of a grid along RAS; its physical space is RAS here, for template and volume alike."""
    made = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    made.SetSpacing(grid.spacing)
    made.SetOrigin(grid.affine[:3, 3].tolist())
    return made


def _smooth(array: NDArray[np.float32], grid: Grid, width: float) -> NDArray[np.float32]:
    return np.asarray(sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(image(array, grid), width)), np.float32).T
