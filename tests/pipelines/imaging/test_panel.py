"""The honesty panel: four pictures in two rows, and which slices are shown."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.panel import Panel, areas, chosen, draw


def panel(flagged: NDArray[np.bool_]) -> Panel:
    image = np.linspace(0, 1, 48 * 64, dtype=np.float32).reshape(48, 64)
    return Panel(image, image, image * 0.1, image * 0.05, flagged)


def drawn(flagged: NDArray[np.bool_]) -> NDArray[np.uint8]:
    content = np.frombuffer(draw(panel(flagged), 1.0), np.uint8)
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def quarters(picture: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    return [tile for row in np.split(picture, 2) for tile in np.split(row, 2, axis=1)]


def test_four_tiles_of_one_size_lie_in_two_rows() -> None:
    picture = drawn(np.zeros((48, 64), np.bool_))
    assert picture.shape[1] == 1200
    assert len({tile.shape for tile in quarters(picture.any(axis=2))}) == 1


def test_flagged_areas_are_outlined_in_the_reconstruction_and_in_what_speaks_against_the_data() -> None:
    flagged = np.zeros((48, 64), np.bool_)
    flagged[20:30, 20:30] = True
    changed = (drawn(flagged) != drawn(np.zeros_like(flagged))).any(axis=2)
    assert [bool(tile.any()) for tile in quarters(changed)] == [False, True, False, True]


def test_the_slice_with_the_largest_flagged_area_is_among_those_shown() -> None:
    flagged = np.zeros((40, 8, 8), np.bool_)
    flagged[7, :2], flagged[23, :5] = True, True
    shown = chosen(flagged, 5)
    assert 23 in shown
    assert shown == tuple(sorted(shown))
    assert chosen(flagged[:4], 5) == (0, 1, 2, 3)


def test_areas_apart_are_counted_apart() -> None:
    flagged = np.zeros((8, 8), np.bool_)
    assert areas(flagged) == 0
    flagged[0:2, 0:2] = flagged[5:7, 5:7] = True
    assert areas(flagged) == 2
