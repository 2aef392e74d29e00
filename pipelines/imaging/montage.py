"""A picture of what was outlined: three planes through each structure, with contours, sides and a scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.heatmap import png
from pipelines.imaging.picture import Rgb
from pipelines.imaging.regions import part_of
from pipelines.imaging.resample import resample, resample_labels

Labels = NDArray[np.uint8]
Colour = tuple[int, int, int]

_TILE: Final = 400  # px; three beside each other and a margin stay within 1600
_PIXEL_MM: Final = 0.2
_BAR_MM: Final = 20
_WINDOW: Final = (0.5, 99.5)  # percentiles of what is shown
_WHITE: Final[Colour] = (235, 235, 235)
_DARK: Final[Colour] = (0, 0, 0)
#: Both keep their difference for the three common kinds of colour blindness (Okabe & Ito 2008: orange, sky blue).
COLOURS: Final[Sequence[Colour]] = ((230, 159, 0), (86, 180, 233))


@dataclass(frozen=True, slots=True)
class Part:
    """What one label value outlines, in which colour."""

    value: int
    name: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the picture: its caption and what it outlines."""

    caption: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Plane:
    """A view: where image columns and rows point in RAS, and what stands at the left, right, upper and lower edge."""

    name: str
    columns: tuple[int, int, int]
    rows: tuple[int, int, int]
    marks: tuple[str, str, str, str]


#: As radiologists look: from the feet and from the front, the patient's right at the picture's left.
_PLANES: Final = (
    _Plane("sagittal", (0, -1, 0), (0, 0, -1), ("A", "P", "S", "I")),
    _Plane("coronal", (-1, 0, 0), (0, 0, -1), ("R", "L", "S", "I")),
    _Plane("axial", (-1, 0, 0), (0, -1, 0), ("R", "L", "A", "P")),
)


def montage(volume: Volume, labels: Labels, rows: Sequence[Shown]) -> bytes:
    """The source (i, j, k), its labels and what each row shows -> PNG; 80 mm a tile, 5 pixels a millimetre.

    A row whose labels are nowhere shows the middle of the volume. The same arguments give the same bytes.
    """
    lines = [np.concatenate([_tile(volume, labels, shown, plane) for plane in _PLANES], axis=1) for shown in rows]
    return png(np.ascontiguousarray(np.concatenate(lines, axis=0)))


def _tile(volume: Volume, labels: Labels, shown: Shown, plane: _Plane) -> Rgb:
    grid = _grid(_middle(labels, volume.grid, [part.value for part in shown.parts]), plane)
    place, near = part_of(volume.grid, grid)
    if 0 in near.shape:
        grey, found = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.uint8)
    else:
        grey = resample(Volume(volume.array[place], near), grid).array
        found = resample_labels(labels[place], near, grid)
    picture = _grey(grey[:, :, 0].T)
    for part in shown.parts:
        outline = np.ascontiguousarray((found[:, :, 0] == part.value).T).astype(np.uint8)
        contours, _ = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, part.colour, 1, cv2.LINE_AA)
    _annotate(picture, shown, plane)
    return picture


def _middle(labels: Labels, grid: Grid, values: Sequence[int]) -> NDArray[np.float64]:
    """The centre of gravity of what is outlined, in RAS mm."""
    where = np.argwhere(np.isin(labels, values))
    if not len(where):
        return grid.centre
    i, j, k = where.mean(axis=0)
    return grid.point((float(i), float(j), float(k)))


def _grid(middle: NDArray[np.float64], plane: _Plane) -> Grid:
    """The pixels of a tile as a grid of one slice."""
    columns, rows = np.array(plane.columns, np.float64), np.array(plane.rows, np.float64)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([columns, rows, np.cross(columns, rows)], axis=1) * _PIXEL_MM
    affine[:3, 3] = middle - (columns + rows) * _PIXEL_MM * (_TILE - 1) / 2
    return Grid((_TILE, _TILE, 1), affine)


def _grey(values: NDArray[np.float32]) -> Rgb:
    low, high = np.percentile(values, _WINDOW)
    levels = np.clip((values - low) / max(float(high - low), np.finfo(np.float32).tiny) * 255, 0, 255)
    return np.ascontiguousarray(np.repeat(levels.astype(np.uint8)[:, :, None], 3, axis=2))


def _annotate(picture: Rgb, shown: Shown, plane: _Plane) -> None:
    """Caption, edges and scale, in the picture itself: it is looked at without its result as well."""
    middle, edge = _TILE // 2, _TILE - 1
    left, right, top, bottom = plane.marks
    for number, part in enumerate(shown.parts):
        _write(picture, part.name, (8, edge - 8 - 18 * number), part.colour)
    for text, place in (
        (f"{shown.caption}, {plane.name}", (8, 18)),
        (left, (8, middle)),
        (right, (edge - 18, middle)),
        (top, (middle, 40)),
        (bottom, (middle, edge - 8)),
    ):
        _write(picture, text, place)
    length = round(_BAR_MM / _PIXEL_MM)
    cv2.line(picture, (edge - 12 - length, edge - 14), (edge - 12, edge - 14), _WHITE, 2)
    _write(picture, f"{_BAR_MM} mm", (edge - 12 - length, edge - 20))
    cv2.rectangle(picture, (0, 0), (edge, edge), (60, 60, 60), 1)


def _write(picture: Rgb, text: str, place: tuple[int, int], colour: Colour = _WHITE) -> None:
    """Letters with a dark rim, readable on bright tissue; thicker letters would run wider and lie beside them."""
    x, y = place
    for ink, moved in (*((_DARK, shift) for shift in ((-1, 0), (1, 0), (0, -1), (0, 1))), (colour, (0, 0))):
        spot = (x + moved[0], y + moved[1])
        cv2.putText(picture, text, spot, cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, 1, cv2.LINE_AA)
