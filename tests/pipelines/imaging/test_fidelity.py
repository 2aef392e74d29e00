"""SSIM, PSNR and NMSE of volumes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.imaging.fidelity import nmse, psnr, ssim


@pytest.fixture
def reference() -> np.ndarray:
    """(2, 16, 16) float32 whose maximum is 2, in its first slice alone."""
    values = np.random.default_rng(0).random((2, 16, 16), dtype=np.float32)
    values[0, 0, 0] = 2
    return values


def test_an_equal_image_is_perfect(reference: np.ndarray) -> None:
    assert (ssim(reference, reference), psnr(reference, reference), nmse(reference, reference)) == (1, math.inf, 0)


def test_the_data_range_is_the_maximum_of_the_volume(reference: np.ndarray) -> None:
    assert psnr(reference + np.float32(0.02), reference) == pytest.approx(20 * math.log10(2 / 0.02), abs=1e-3)


def test_a_doubled_image_has_an_nmse_of_one(reference: np.ndarray) -> None:
    assert nmse(2 * reference, reference) == pytest.approx(1)


def test_no_figure_depends_on_the_unit(reference: np.ndarray) -> None:
    image = reference + np.float32(0.1) * np.random.default_rng(1).random(reference.shape, dtype=np.float32)
    for figure in (ssim, psnr, nmse):
        assert figure(image * 1000, reference * 1000) == pytest.approx(figure(image, reference), rel=1e-4)
