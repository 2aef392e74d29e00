from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pipelines.imaging.fundus import Retina, prepare
from pipelines.imaging.heatmap import LONGEST_SIDE, STRONGEST_COVER, coloured, overlay, png, shown, spread

PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


def test_a_large_photograph_is_shown_at_most_so_large() -> None:
    assert shown(np.zeros((700, 3000, 3), np.uint8)).shape == (239, LONGEST_SIDE, 3)
    assert shown(PHOTOGRAPH) is PHOTOGRAPH


@pytest.mark.parametrize("retina", [Retina(10, 0, 80, 60, 0.8), Retina(0, 0, 90, 60, 1.0), Retina(20, 5, 60, 55, 0.3)])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_spot_comes_back_to_where_the_network_saw_it(retina: Retina, scale: float) -> None:
    spot = np.zeros((60, 90, 3), np.uint8)
    y, x = (retina.y0 + retina.y1) // 2 + 8, (retina.x0 + retina.x1) // 2 - 9
    spot[y - 2 : y + 3, x - 2 : x + 3] = 255
    seen = prepare(spot, retina, 448)[..., 0].astype(np.float32) / 255
    back = spread(seen, retina, scale, (int(60 / scale), int(90 / scale)))
    row, column = np.unravel_index(int(back.argmax()), back.shape)
    assert abs(row * scale - y) <= 4
    assert abs(column * scale - x) <= 4


def test_nothing_is_drawn_outside_the_retinas_box() -> None:
    back = spread(np.ones((7, 7), np.float32), Retina(10, 20, 40, 50, 0.2), 1.0, (60, 90))
    assert back[20:50, 10:40].min() == pytest.approx(1)
    assert back.sum() == pytest.approx(900)


def test_a_box_at_the_edge_of_the_picture_fits() -> None:
    assert spread(np.ones((7, 7), np.float32), Retina(0, 0, 91, 61, 1.0), 1.5, (40, 60)).shape == (40, 60)


def test_where_the_map_is_empty_the_photograph_stays_as_it_is() -> None:
    values = np.zeros((60, 90), np.float32)
    values[0, 0] = 1
    drawn = overlay(PHOTOGRAPH, coloured(values))
    assert np.array_equal(drawn.reshape(-1, 3)[1:], PHOTOGRAPH.reshape(-1, 3)[1:])
    yellow = np.array([253, 231, 37])  # the bright end of viridis
    expected = PHOTOGRAPH[0, 0] * (1 - STRONGEST_COVER) + yellow * STRONGEST_COVER
    assert np.abs(drawn[0, 0] - expected).max() <= 3


@pytest.mark.parametrize("channels", [3, 4])
def test_a_png_reads_back_exactly_and_always_has_the_same_bytes(channels: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (20, 30, channels), dtype=np.uint8)
    with Image.open(io.BytesIO(png(picture))) as read:
        assert np.array_equal(np.asarray(read), picture)
    assert png(picture) == png(picture)


def test_a_png_of_a_noisy_photograph_is_still_smaller_than_its_pixels() -> None:
    slope = np.linspace(40, 200, 300)[None, :, None] + np.random.default_rng(2).normal(0, 4, (200, 300, 3))
    assert len(png(slope.astype(np.uint8))) < 0.75 * slope.size
