"""Views of a hippocampus keep image and labels together, and are random only through their generator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.nets.segmenter import Normalisation
from pipelines.training.hippocampus_augment import Augmentation, View, view
from pipelines.training.hippocampus_cases import Canvas, canvases
from tests.pipelines.training.hippocampus_samples import drawn_case

PATCH = (40, 56, 40)
NORMALISATION = Normalisation(0.5, 99.5)
#: Moves, bends and mirrors, but leaves the intensities; pads as inference does.
GEOMETRY = Augmentation(
    gamma_share=0,
    curve_share=0,
    bias_share=0,
    blur_share=0,
    coarse_share=0,
    noise_share=0,
    surroundings_share=0,
    border_share=0,
    texture_share=0,
)
STILL = replace(GEOMETRY, mirror_share=0, placed_share=0, elastic_share=0, shift=0)


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    return canvases([drawn_case(0)])[0]


def seen(canvas: Canvas, ranges: Augmentation, seed: int) -> View:
    return view(canvas, PATCH, ranges, NORMALISATION, np.random.default_rng(seed))


def test_the_same_generator_state_gives_the_same_view(canvas: Canvas) -> None:
    one, two, other = (seen(canvas, Augmentation(), seed) for seed in (4, 4, 5))
    assert torch.equal(one.image, two.image)
    assert torch.equal(one.labels, two.labels)
    assert not torch.equal(one.image, other.image)


def numbers() -> np.ndarray:
    """The key of numpy's global generator."""
    return np.asarray(np.random.get_state(legacy=False)["state"]["key"])


def test_the_global_random_states_are_untouched(canvas: Canvas) -> None:
    before, torch_before = numbers(), torch.random.get_rng_state()
    seen(canvas, Augmentation(), 0)
    assert np.array_equal(before, numbers())
    assert torch.equal(torch_before, torch.random.get_rng_state())


@pytest.mark.parametrize("seed", range(6))
def test_labels_move_with_the_image(canvas: Canvas, seed: int) -> None:
    moved = seen(canvas, GEOMETRY, seed)
    assert moved.image[moved.labels > 0].mean() > moved.image[moved.labels == 0].mean() + 1.5
    assert set(np.unique(moved.labels.numpy()).tolist()) == {0, 1, 2}


def test_a_view_that_changes_nothing_is_the_crop_surrounded_by_zeros(canvas: Canvas) -> None:
    case, still = drawn_case(0), seen(canvas, STILL, 0)
    assert int((still.labels > 0).sum()) == int((case.labels > 0).sum())
    assert not still.image[:2].any()
    assert still.image[still.image != 0].std() == pytest.approx(1, abs=0.01)


def test_every_augmentation_gives_finite_values(canvas: Canvas) -> None:
    everything = Augmentation(gamma_share=1, curve_share=1, bias_share=1, blur_share=1, coarse_share=1, noise_share=1)
    assert torch.isfinite(seen(canvas, everything, 1).image).all()
