"""The honesty panel: measured beside made, how sure that is, and where the measured data speak against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.heatmap import png
from pipelines.imaging.picture import Rgb

Plane = NDArray[np.float32]
_TILE: Final = 600  # px; two rows of two, since a screen beside a column of text is about square
_CAPTION: Final = 40  # px
_MARGIN: Final = 12
_TEXT: Final = 0.8  # of OpenCV's font
_WHITE: Final = (235, 235, 235)
#: Kept apart from the maps' colours by those who do not see red and green as well (Okabe & Ito 2008: sky blue).
_OUTLINE: Final = (86, 180, 233)
#: Share of the brightest tissue at which the maps' colours end.
MAP_TOP: Final = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One slice's images, (y, x) float32 of one unit, and the flagged places, (y, x) bool."""

    zero_filled: Plane
    image: Plane
    uncertainty: Plane
    correction: Plane
    flagged: NDArray[np.bool_]


def draw(panel: Panel, white: float) -> bytes:
    """PNG: zero-filled beside reconstruction, uncertainty and residual below; flagged areas are outlined on the right.

    `white` is the value that is shown white. Pixels are square. The same arguments give the same bytes.
    """
    scale = white * MAP_TOP
    tiles = [
        _tile(_grey(panel.zero_filled, white), "Zero-filled"),
        _tile(_outlined(_grey(panel.image, white), panel.flagged), "Reconstruction"),
        _tile(_coloured(panel.uncertainty, scale), f"Uncertainty (to {MAP_TOP:.0%})"),
        _tile(_outlined(_coloured(panel.correction, scale), panel.flagged), f"Against the data (to {MAP_TOP:.0%})"),
    ]
    above, below = (np.concatenate(tiles[start : start + 2], axis=1) for start in (0, 2))
    return png(np.ascontiguousarray(np.concatenate([above, below])))


def chosen(flagged: NDArray[np.bool_], most: int) -> tuple[int, ...]:
    """Which slices of (slices, y, x) to show: evenly spaced, and the one with the largest flagged area; ascending."""
    slices = len(flagged)
    if slices <= most:
        return tuple(range(slices))
    even = {round(place) for place in np.linspace(0, slices - 1, most)}
    areas = flagged.sum(axis=(1, 2))
    return tuple(sorted(even | ({int(areas.argmax())} if areas.any() else set())))


def areas(flagged: NDArray[np.bool_]) -> int:
    """How many separate areas of one slice are flagged."""
    return int(cv2.connectedComponents(flagged.astype(np.uint8))[0]) - 1


def _grey(values: Plane, white: float) -> Rgb:
    levels = np.clip(values * (255 / white), 0, 255).astype(np.uint8)
    return np.repeat(_enlarged(levels)[..., None], 3, axis=2)


def _coloured(values: Plane, top: float) -> Rgb:
    levels = _enlarged(np.clip(values * (255 / top), 0, 255).astype(np.uint8))
    return np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1])


def _enlarged(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The long side as long as a tile."""
    factor = _TILE / max(levels.shape)
    size = (max(1, round(levels.shape[1] * factor)), max(1, round(levels.shape[0] * factor)))
    return np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _outlined(picture: Rgb, flagged: NDArray[np.bool_]) -> Rgb:
    """The picture with the flagged areas' contours."""
    size = (picture.shape[1], picture.shape[0])
    mask = cv2.resize(flagged.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    drawn = np.ascontiguousarray(picture)
    cv2.drawContours(drawn, contours, -1, _OUTLINE, 2)
    return drawn


def _tile(picture: Rgb, caption: str) -> Rgb:
    tile: Sequence[int] = (_TILE + _CAPTION, _TILE, 3)
    canvas = np.zeros(tile, np.uint8)
    top, left = _CAPTION + (_TILE - picture.shape[0]) // 2, (_TILE - picture.shape[1]) // 2
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    place = (_MARGIN, _CAPTION - _MARGIN)
    cv2.putText(canvas, caption, place, cv2.FONT_HERSHEY_SIMPLEX, _TEXT, _WHITE, 1, cv2.LINE_AA)
    return canvas
