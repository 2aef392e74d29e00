"""Sensitivities from calibration lines."""

from __future__ import annotations

import numpy as np
import pytest
import sigpy.mri

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.acquired import Acquired
from pipelines.imaging.fourier import rss, to_image
from pipelines.nets.coils import LARGEST, calibration_square, espirit_maps, maps_with_phase
from tests.pipelines.mri_samples import accelerated, brain

SIZE, COILS = 96, 6


def explained(maps: np.ndarray, images: np.ndarray) -> float:
    """The share of the coil images' energy that one image under the maps accounts for."""
    combined = (images * maps.conj()).sum(axis=1, keepdims=True)
    return 1 - float((np.abs(images - maps * combined) ** 2).sum() / (np.abs(images) ** 2).sum())


@pytest.mark.parametrize(("acceleration", "share"), [(4, 0.995), (8, 0.985)])
def test_one_image_under_the_maps_explains_the_fully_sampled_coils(acceleration: int, share: float) -> None:
    kspace = brain(1, COILS, SIZE)
    maps = espirit_maps(accelerated(kspace, acceleration))
    assert explained(maps, to_image(kspace)) > share


def test_few_lines_are_used_better_than_by_a_square_of_samples() -> None:
    kspace = brain(1, COILS, SIZE)
    acquired = accelerated(kspace, 4)
    width = acquired.calibration.stop - acquired.calibration.start
    square = sigpy.mri.app.EspiritCalib(
        acquired.kspace[0], calib_width=width - 1, kernel_width=width // 2, crop=0, show_pbar=False
    ).run()
    assert explained(espirit_maps(acquired), to_image(kspace)) > explained(square[None], to_image(kspace))


def test_the_squares_of_the_maps_sum_to_one() -> None:
    maps = espirit_maps(accelerated(brain(2, COILS, SIZE), 8))
    assert np.allclose(rss(maps), 1, atol=1e-4)


def test_with_the_images_phase_the_combined_image_is_nearly_real() -> None:
    kspace = brain(1, COILS, SIZE)
    maps = maps_with_phase(accelerated(kspace, 4))
    combined = (to_image(kspace) * maps.conj()).sum(axis=1)
    assert np.linalg.norm(combined.imag) < 0.2 * np.linalg.norm(combined.real)
    assert combined.real.sum() > 0


def test_a_single_coil_sees_everything_alike() -> None:
    assert np.array_equal(espirit_maps(accelerated(brain(1, 1, SIZE), 4)), np.ones((1, 1, SIZE, SIZE)))


def test_a_wide_middle_is_cut_to_what_is_needed() -> None:
    kspace = brain(1, 2, SIZE)
    rows, columns = calibration_square(Acquired(kspace, np.ones(SIZE, bool), slice(0, SIZE)))
    assert rows == columns == slice(SIZE // 2 - LARGEST // 2, SIZE // 2 + LARGEST // 2)


def test_a_middle_that_lies_beside_the_centre_is_refused() -> None:
    kspace = brain(1, 2, SIZE)
    with pytest.raises(UnsuitableInput) as refused:
        calibration_square(Acquired(kspace, np.ones(SIZE, bool), slice(0, 10)))
    assert refused.value.code == "kspace_no_calibration"
