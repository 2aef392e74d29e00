"""Brings volumes and labels onto other grids by SimpleITK; source: Yaniv et al., J Digit Imaging 2018;31:290-303."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipelines.imaging.grid import Grid, Volume

Labels = NDArray[np.uint8]


def resample(volume: Volume, onto: Grid) -> Volume:
    """The volume on another grid by linear interpolation; 0 outside of it."""
    return Volume(np.asarray(_moved(volume.array, volume.grid, onto, sitk.sitkLinear), np.float32), onto)


def resample_labels(labels: Labels, grid: Grid, onto: Grid) -> Labels:
    """(i, j, k) uint8 labels on another grid: each label's share is interpolated linearly and the largest one wins.

    Smoother than the nearest voxel's label, and no array of (label, i, j, k) is ever held. 0 outside of the source.
    """
    return np.asarray(_moved(labels, grid, onto, sitk.sitkLabelLinear), np.uint8)


def _moved(array: NDArray[Any], grid: Grid, onto: Grid, how: int) -> NDArray[Any]:  # Any: float32 or uint8
    """Interpolate `array` where the voxels of `onto` lie.

    ITK works in voxel indices of the source here: all geometry is in one affine transform, so that sheared grids, whose
    axes ITK's images cannot state, are exact as well.
    """
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    to_source = np.linalg.inv(grid.affine) @ onto.affine
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(to_source[:3, :3].ravel().tolist())
    transform.SetTranslation(to_source[:3, 3].tolist())
    unit = np.eye(3).ravel().tolist()
    moved = sitk.Resample(image, [int(n) for n in onto.shape], transform, how, [0.0] * 3, [1.0] * 3, unit, 0.0)
    return np.asarray(sitk.GetArrayFromImage(moved)).transpose(2, 1, 0)
