"""Simulated k-space: reproducible, in its ranges, with coils, phase and noise like those that scanners give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.imaging.fourier import rss, to_image
from pipelines.training.kspace_coils import coil_maps
from pipelines.training.kspace_simulation import Sample, Simulation, Volume, contrast, rotation, simulate

SMALL = Simulation(matrix=(32, 48), coils=(1, 2, 6), slices=(1, 3))


@pytest.fixture
def volume() -> Volume:
    """A bright ellipsoid in air."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, size) for size in (60, 50, 40)), indexing="ij")
    inside = (z**2 + y**2 + x**2 < 0.6) * (0.6 + 0.4 * np.cos(9 * y))
    return Volume(torch.from_numpy(inside.astype(np.float32)), (3.0, 4.0, 5.0))


def many(volume: Volume, ranges: Simulation, count: int) -> list[Sample]:
    """Samples of different seeds."""
    return [simulate([volume], ranges, np.random.default_rng(seed)) for seed in range(count)]


def test_the_same_random_numbers_give_the_same_sample_and_no_global_one_is_drawn(volume: Volume) -> None:
    before = np.random.get_state()[1].tobytes(), torch.random.get_rng_state()
    one, again = (simulate([volume], SMALL, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(one.kspace, again.kspace)
    assert (one.mask == again.mask).all()
    assert np.random.get_state()[1].tobytes() == before[0]
    assert torch.equal(torch.random.get_rng_state(), before[1])


def test_samples_keep_to_their_ranges(volume: Volume) -> None:
    for drawn in many(volume, SMALL, 20):
        slices, coils, rows, columns = drawn.kspace.shape
        assert slices in SMALL.slices
        assert coils in SMALL.coils
        assert SMALL.matrix[0] <= min(rows, columns)
        assert max(rows, columns) <= SMALL.matrix[1]
        assert drawn.mask[drawn.calibration].all()


def test_a_slab_stays_within_the_cost_of_a_step(volume: Volume) -> None:
    tight = replace(SMALL, voxels=48 * 48, coil_voxels=2 * 48 * 48)
    for drawn in many(volume, tight, 10):
        slices, coils, rows, columns = drawn.kspace.shape
        assert slices * rows * columns <= tight.voxels
        assert coils * slices * rows * columns <= max(tight.coil_voxels, slices * rows * columns)


def test_the_brightest_value_is_near_one(volume: Volume) -> None:
    quiet = replace(SMALL, noise=(1e-4, 2e-4))
    brightest = [float(rss(to_image(drawn.kspace.numpy())).max()) for drawn in many(volume, quiet, 10)]
    assert brightest == pytest.approx([1.0] * 10, abs=0.01)


def test_noise_is_as_strong_as_asked(volume: Volume) -> None:
    noisy = replace(SMALL, noise=(0.05, 0.05), coils=(1,), native_share=0.0)
    corners = [to_image(drawn.kspace.numpy())[..., :6, 12:20].real.std() for drawn in many(volume, noisy, 20)]
    assert np.median(corners) == pytest.approx(0.05, rel=0.3)


def test_air_stays_dark_in_every_contrast(volume: Volume) -> None:
    air = volume.intensity[:1] == 0
    for seed in range(10):
        assert contrast(volume.intensity[:1], np.random.default_rng(seed))[air].abs().max() == 0


def test_contrasts_may_turn_bright_into_dark() -> None:
    ramp = torch.linspace(0.1, 1, 50)[None, None]
    falls = [np.diff(contrast(ramp, np.random.default_rng(seed)).numpy().ravel()).min() < 0 for seed in range(30)]
    assert 5 < sum(falls) < 30


@pytest.mark.parametrize("coils", [1, 2, 8])
def test_coil_maps_are_smooth_and_differ(coils: int) -> None:
    maps = coil_maps(2, coils, (64, 64), np.random.default_rng(1)).numpy()
    assert np.abs(np.diff(maps, axis=-1)).max() < 0.3 * np.abs(maps).max()
    similarity = np.abs(np.corrcoef(maps[0].reshape(coils, -1))) if coils > 1 else np.zeros((1, 1))
    assert similarity[~np.eye(coils, dtype=bool)].max(initial=0) < 0.999


def test_a_rotation_keeps_lengths_and_handedness() -> None:
    turn = rotation(np.array([0.3, -0.2, 1.1]))
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)
