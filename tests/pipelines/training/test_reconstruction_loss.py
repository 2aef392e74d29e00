"""The loss of the reconstruction network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from pipelines.training.reconstruction_loss import loss, similarity


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    """Image and reference, (1, 24, 20) float32 between 0 and 1."""
    random = np.random.default_rng(0)
    reference = random.random((1, 24, 20), dtype=np.float32)
    return torch.from_numpy(0.8 * reference + 0.1), torch.from_numpy(reference)


def test_the_similarity_is_the_one_that_is_measured_later(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    image, reference = pair
    expected = structural_similarity(
        reference[0].numpy(), image[0].numpy(), win_size=7, data_range=float(reference.max())
    )
    assert float(similarity(image, reference)) == pytest.approx(expected, abs=1e-4)


def test_an_equal_image_costs_nothing(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    _, reference = pair
    assert float(loss(reference, reference, 3.0)) == pytest.approx(0, abs=1e-5)


def test_the_loss_does_not_depend_on_the_unit(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    image, reference = pair
    assert float(loss(50 * image, 50 * reference, 3.0)) == pytest.approx(float(loss(image, reference, 3.0)), rel=1e-4)
