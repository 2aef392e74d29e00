"""Puts slices in order along their normal and finds what breaks a regular stack: gaps, duplicates, tilt, uneven steps.

Everything here is in the patient's LPS millimetres, as DICOM states it; `affine_ras` is the one place that turns it
into RAS. Source: PS3.3 C.7.6.2.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.frames import Pair, Six, Triple

Vector = NDArray[np.float64]

#: Two slices nearer than this lie in one place: headers round positions to a hundredth of a millimetre.
SAME_PLACE_MM: Final = 0.02
#: A slice may lie off its regular place by this share of a step; headers of some makers are rounded to 0.1 mm.
UNEVEN_SHARE: Final = 0.05
#: A step of 2, 3 ... times the usual one, to this share of a step, is missing slices.
GAP_SHARE: Final = 0.1
#: In the plane a slice may be shifted off the straight line by this share of a pixel.
SHIFT_SHARE: Final = 0.5
#: Gantries tilt by 30 degrees at most (IEC 61223-3-5); more is a broken header.
MAX_TILT_DEGREES: Final = 30.0
#: Direction cosines are rounded; farther from a right angle or from length 1 they are no orientation.
_NOT_ORTHONORMAL: Final = 0.01
_LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A regular stack: `order` are places in the given positions, lowest along the normal first.

    `step` is the (3,) LPS vector from slice to slice, `origin` the first slice's position, `tilt` the angle in degrees
    between step and normal.
    """

    order: tuple[int, ...]
    origin: Vector
    step: Vector
    tilt: float


def axes_of(orientation: Six) -> tuple[Vector, Vector, Vector]:
    """ImageOrientationPatient -> unit vectors along a row, down a column, and their normal (right handed).

    Raises UnsuitableInput (code geometry_orientation) where they are no two perpendicular directions.
    """
    row, column = np.array(orientation[:3], np.float64), np.array(orientation[3:], np.float64)
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    off = max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(float(row @ column)))
    if not off <= _NOT_ORTHONORMAL:  # not: NaN is refused as well
        raise UnsuitableInput(
            "the slices' orientation is no pair of perpendicular directions", code="geometry_orientation"
        )
    row = row / np.linalg.norm(row)
    column = column - (column @ row) * row
    column = column / np.linalg.norm(column)
    return row, column, np.cross(row, column)


def stack(positions: Sequence[Triple], orientation: Six, spacing: Pair) -> Stack:
    """The regular stack that slices at `positions` (of their first pixels' centres) make.

    Raises UnsuitableInput with code geometry_duplicate_positions, geometry_gap, geometry_uneven_spacing,
    geometry_shifted_slices or geometry_tilt, each with the numbers.
    """
    _, _, normal = axes_of(orientation)
    points = np.array(positions, np.float64)
    heights = points @ normal
    order = np.argsort(heights, kind="stable")
    _refuse_duplicates(heights[order])
    steps = np.diff(heights[order])
    usual = float(np.median(steps))
    _refuse_gaps(steps, usual)
    points = points[order]
    step = (points[-1] - points[0]) / (len(points) - 1)
    _refuse_uneven(points, step, normal, spacing)
    tilt = float(np.degrees(np.arccos(np.clip(step @ normal / np.linalg.norm(step), -1, 1))))
    if tilt > MAX_TILT_DEGREES:
        raise UnsuitableInput(
            "the slices are sheared more than a tilted gantry does", code="geometry_tilt", degrees=round(tilt, 1)
        )
    return Stack(tuple(int(place) for place in order), points[0], step, tilt)


def affine_ras(placed: Stack, orientation: Six, spacing: Pair) -> NDArray[np.float64]:
    """Voxel (column, row, slice) -> RAS millimetres, (4, 4); here and nowhere else LPS becomes RAS."""
    row, column, _ = axes_of(orientation)
    between_rows, between_columns = spacing
    lps = np.stack([row * between_columns, column * between_rows, placed.step, placed.origin], axis=1)
    affine = np.eye(4)
    affine[:3] = _LPS_TO_RAS @ lps
    return affine


def _refuse_duplicates(heights: Vector) -> None:
    """Several images in one place: nothing says which of them the volume is made of."""
    places = 1 + int((np.diff(heights) > SAME_PLACE_MM).sum())
    if places < len(heights):
        raise UnsuitableInput(
            "several images lie at the same position and nothing in their headers tells them apart",
            code="geometry_duplicate_positions",
            images=len(heights),
            positions=places,
        )


def _refuse_gaps(steps: Vector, usual: float) -> None:
    """Steps that are a multiple of the usual one: slices are missing."""
    multiples = np.rint(steps / usual)
    is_gap = (multiples >= 2) & (np.abs(steps / usual - multiples) <= GAP_SHARE * multiples)
    if is_gap.any():
        raise UnsuitableInput(
            "slices are missing inside the series",
            code="geometry_gap",
            missing=int((multiples[is_gap] - 1).sum()),
            after_slice=int(np.argmax(is_gap)) + 1,
            slices=len(steps) + 1,
            spacing_mm=round(usual, 3),
        )


def _refuse_uneven(points: Vector, step: Vector, normal: Vector, spacing: Pair) -> None:
    """Slices off their regular places, along the normal or within the plane."""
    off = points - (points[0] + np.arange(len(points))[:, None] * step)
    along = float(np.abs(off @ normal).max())
    usual = float(step @ normal)
    if along > UNEVEN_SHARE * usual:
        steps = np.diff(points @ normal)
        raise UnsuitableInput(
            "the slices are not evenly spaced",
            code="geometry_uneven_spacing",
            least_mm=round(float(steps.min()), 3),
            most_mm=round(float(steps.max()), 3),
        )
    within = float(np.linalg.norm(off - np.outer(off @ normal, normal), axis=1).max())
    if within > SHIFT_SHARE * min(spacing):
        raise UnsuitableInput(
            "slices are shifted against each other", code="geometry_shifted_slices", most_mm=round(within, 3)
        )
