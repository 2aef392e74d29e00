"""Centred transforms, coil combination and masks."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.imaging.fourier import (
    calibration_region,
    centre_lines,
    equispaced_mask,
    random_mask,
    rss,
    seed_of,
    to_image,
    to_kspace,
)


def drawn(*shape: int) -> np.ndarray:
    """complex64 random numbers."""
    random = np.random.default_rng(0)
    return (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(np.complex64)


@pytest.mark.parametrize("shape", [(2, 8, 6), (3, 7, 9), (1, 64, 5)])
def test_the_transforms_undo_each_other_at_even_and_odd_sizes(shape: tuple[int, ...]) -> None:
    image = drawn(*shape)
    assert np.abs(to_image(to_kspace(image)) - image).max() < 1e-5


def test_the_transform_keeps_energy() -> None:
    image = drawn(4, 9, 12)
    assert np.linalg.norm(to_kspace(image)) == pytest.approx(np.linalg.norm(image), rel=1e-5)


@pytest.mark.parametrize("size", [8, 9])
def test_a_uniform_image_lies_in_the_middle_of_kspace(size: int) -> None:
    kspace = to_kspace(np.ones((size, size), np.complex64))
    assert np.unravel_index(np.abs(kspace).argmax(), kspace.shape) == (size // 2, size // 2)


def test_the_root_sum_of_squares_is_over_coils() -> None:
    images = np.zeros((1, 2, 1, 1), np.complex64)
    images[0, :, 0, 0] = (3j, -4)
    assert rss(images).tolist() == [[[5.0]]]


@pytest.mark.parametrize(("size", "acceleration", "fraction"), [(256, 4, 0.08), (320, 8, 0.04), (130, 4, 0.08)])
def test_an_equispaced_mask_has_its_centre_and_the_stated_share_of_lines(
    size: int, acceleration: int, fraction: float
) -> None:
    mask = equispaced_mask(size, acceleration, fraction, seed=5)
    assert mask[centre_lines(size, fraction)].all()
    assert mask.sum() == pytest.approx(size / acceleration, abs=3)


def test_lines_beyond_the_centre_are_evenly_spaced() -> None:
    mask = equispaced_mask(256, 4, 0.08, seed=1)
    gaps = np.diff(np.flatnonzero(mask[: centre_lines(256, 0.08).start]))
    assert gaps.max() - gaps.min() <= 1


def test_the_same_name_gives_the_same_mask_and_another_name_another() -> None:
    one, again, other = (equispaced_mask(256, 8, 0.04, seed_of(name)) for name in ("a.h5", "a.h5", "b.h5"))
    assert (one == again).all()
    assert (one != other).any()


def test_a_random_mask_has_about_the_stated_share_of_lines() -> None:
    share = np.mean([random_mask(256, 4, 0.08, seed).mean() for seed in range(40)])
    assert share == pytest.approx(0.25, abs=0.02)


def test_the_calibration_region_of_lines_is_the_unbroken_middle() -> None:
    mask = np.zeros(16, bool)
    mask[[0, 4, 6, 7, 8, 9, 12]] = True
    assert calibration_region(mask) == (slice(6, 10), slice(None))


def test_a_mask_without_its_middle_has_no_calibration_region() -> None:
    mask = np.ones(16, bool)
    mask[8] = False
    assert calibration_region(mask)[0] == slice(0, 0)


def test_the_calibration_region_of_two_phase_encodings_is_a_full_rectangle() -> None:
    mask = np.zeros((12, 14), bool)
    mask[::3, ::2] = True
    mask[4:8, 5:10] = True
    rows, columns = calibration_region(mask)
    assert mask[rows, columns].all()
    assert (rows, columns) == (slice(4, 8), slice(5, 10))


def test_everything_sampled_is_all_calibration() -> None:
    assert calibration_region(np.ones((6, 5), bool)) == (slice(0, 6), slice(0, 5))
