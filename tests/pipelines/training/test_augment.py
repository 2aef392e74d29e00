"""Views are random only through their generator, keep black black and keep the retina in the picture."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from pipelines.imaging.fundus import find_retina, prepare
from pipelines.training.augment import Augmentation, view

STILL = Augmentation(scale=(1, 1), shift=0, gain=(1, 1), gamma=(1, 1), contrast=(1, 1), saturation=(1, 1), blur_share=0)


@pytest.fixture(scope="module")
def square() -> np.ndarray:
    """(256, 256, 3) of a real retina."""
    picture = skimage.data.retina()
    retina = find_retina(picture)
    assert retina is not None
    return prepare(picture, retina, 256)


def test_the_same_generator_state_gives_the_same_view(square: np.ndarray) -> None:
    one, two = (view(square, 128, Augmentation(), np.random.default_rng(4)) for _ in range(2))
    assert (one == two).all()
    assert (one != view(square, 128, Augmentation(), np.random.default_rng(5))).any()


def test_a_view_without_colour_change_only_moves_the_pixels(square: np.ndarray) -> None:
    moved = view(square, 256, STILL, np.random.default_rng(0))
    assert (moved != square).any()
    assert np.abs(moved.reshape(-1, 3).mean(axis=0) - square.reshape(-1, 3).mean(axis=0)).max() < 1.5


def test_background_stays_black_under_every_colour() -> None:
    black = np.zeros((64, 64, 3), np.uint8)
    views = [view(black, 64, Augmentation(), np.random.default_rng(seed)) for seed in range(20)]
    assert not np.any(views)


def test_the_retina_stays_in_the_picture(square: np.ndarray) -> None:
    views = [view(square, 256, Augmentation(), np.random.default_rng(seed)) for seed in range(20)]
    covered = [(picture.max(axis=2) > 20).mean() for picture in views]
    assert min(covered) > 0.5
