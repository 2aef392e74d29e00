"""Where the images of ISMRM raw data lie: from the positions and directions of their acquisitions to an affine.

Positions and directions are in the patient's LPS millimetres as in DICOM; the position is the centre of the slice or
slab (ismrmrd.h). A centred transform of n samples has that centre at index n // 2.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.kspace import Geometry

Vector = NDArray[np.float64]
#: DICOM counts to the left and to the back, NIfTI to the right and to the front (PS3.3 C.7.6.2.1.1, nifti1.h).
LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])
#: Where no direction is stated: an axial slice seen from the feet, LPS.
AXIAL: Final = np.eye(3)
_TOLERANCE: Final = 0.01  # of a unit vector's length and of the angle between directions
_UNEVEN_SHARE: Final = 0.05  # of the spacing, by which neighbouring slices may differ


def directions(read: Vector, phase: Vector, along: Vector) -> Vector | None:
    """The three directions as columns (3, 3) LPS; None where they are no right angles of unit length."""
    axes = np.stack([read, phase, along], axis=1).astype(np.float64)
    return axes if np.abs(axes.T @ axes - np.eye(3)).max() < _TOLERANCE else None


def stacked(positions: Vector, along: Vector, thickness: float) -> tuple[tuple[int, ...], float, bool]:
    """Order of slices along a direction, their spacing in mm, and whether that spacing is really theirs.

    `positions` are the slices' centres (slices, 3). Slices without positions of their own, or unevenly spaced ones,
    keep their order, one thickness apart.
    """
    if len(positions) == 1:
        return (0,), thickness, True
    places = positions @ along
    order = np.argsort(places, kind="stable")
    steps = np.diff(places[order])
    spacing = float(steps.mean())
    if spacing <= 0 or np.abs(steps - spacing).max() > _UNEVEN_SHARE * spacing:
        return tuple(range(len(positions))), thickness, False
    return tuple(int(each) for each in order), spacing, True


def affine(axes: Vector, spacing: Vector, centre: Vector, middle: Vector) -> NDArray[np.float64]:
    """(4, 4) RAS mm: voxel `middle` (x, y, slice) lies at `centre` (LPS mm), steps of `spacing` along `axes`."""
    place = np.eye(4)
    place[:3, :3] = LPS_TO_RAS @ axes @ np.diag(spacing)
    place[:3, 3] = LPS_TO_RAS @ centre - place[:3, :3] @ middle
    return place


def certainty(has_directions: bool, has_positions: bool) -> Geometry:
    """How much is known where fields of view are."""
    return Geometry.KNOWN if has_directions and has_positions else Geometry.SPACING
