"""Zero-filled, SENSE and compressed sensing on a real brain's simulated k-space."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.acquired import Acquired, Reconstructor
from pipelines.imaging.fidelity import psnr
from pipelines.imaging.fourier import rss, to_image
from pipelines.nets.classical import CompressedSensing, Sense, ZeroFilled
from tests.pipelines.mri_samples import accelerated, brain

SIZE, COILS = 96, 8
BETTER_THAN_ZEROS = [Sense(0.01), CompressedSensing(0.003)]


@pytest.mark.parametrize("method", BETTER_THAN_ZEROS, ids=lambda method: method.name)
def test_it_comes_nearer_to_the_reference_than_zeros_do(method: Reconstructor) -> None:
    kspace = brain(1, COILS, SIZE)
    acquired, reference = accelerated(kspace, 4), rss(to_image(kspace))
    zero_filled = psnr(ZeroFilled().reconstruct(acquired).image, reference)
    assert psnr(method.reconstruct(acquired).image, reference) > zero_filled + 2


@pytest.mark.parametrize("method", BETTER_THAN_ZEROS, ids=lambda method: method.name)
@pytest.mark.parametrize("coils", [1, 2])
def test_acquired_samples_stay_as_measured(method: Reconstructor, coils: int) -> None:
    acquired = accelerated(brain(2, coils, 48), 4)
    made = method.reconstruct(acquired)
    assert made.kspace is not None
    there = np.broadcast_to(acquired.plane_mask, made.kspace.shape)
    assert np.array_equal(made.kspace[there], acquired.kspace[there])
    assert np.allclose(made.image, rss(to_image(made.kspace)))


@pytest.mark.parametrize("method", [ZeroFilled(), *BETTER_THAN_ZEROS], ids=lambda method: method.name)
def test_the_same_input_gives_the_same_bytes_and_no_global_random_number_is_drawn(method: Reconstructor) -> None:
    acquired = accelerated(brain(1, 3, 48), 4)
    before = np.random.get_state()[1].tobytes()
    one, again = method.reconstruct(acquired).image, method.reconstruct(acquired).image
    assert one.tobytes() == again.tobytes()
    assert np.random.get_state()[1].tobytes() == before


@pytest.mark.parametrize("method", [ZeroFilled(), *BETTER_THAN_ZEROS], ids=lambda method: method.name)
def test_the_unit_of_the_data_is_the_unit_of_the_image(method: Reconstructor) -> None:
    acquired = accelerated(brain(1, 3, 48), 4)
    louder = Acquired(acquired.kspace * np.float32(1024), acquired.mask, acquired.calibration)
    assert np.allclose(method.reconstruct(louder).image, 1024 * method.reconstruct(acquired).image, rtol=1e-4)


@pytest.mark.parametrize("method", BETTER_THAN_ZEROS, ids=lambda method: method.name)
def test_without_calibration_lines_it_refuses(method: Reconstructor) -> None:
    acquired = accelerated(brain(1, 3, 48), 4)
    with pytest.raises(UnsuitableInput) as refused:
        method.reconstruct(Acquired(acquired.kspace, acquired.mask, slice(0, 0)))
    assert refused.value.code == "kspace_no_calibration"


@pytest.mark.parametrize("method", BETTER_THAN_ZEROS, ids=lambda method: method.name)
def test_a_dead_coil_does_not_spoil_the_image(method: Reconstructor) -> None:
    kspace = brain(1, 6, 96).copy()
    kspace[:, 0] = 0
    image = method.reconstruct(accelerated(kspace, 4)).image
    assert np.isfinite(image).all()
    assert psnr(image, rss(to_image(kspace))) > 20
