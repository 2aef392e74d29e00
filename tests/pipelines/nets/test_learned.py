"""The learned reconstruction with the shipped weights, on a real brain's simulated k-space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.core.errors import ModelError, UnsuitableInput
from pipelines.imaging.acquired import Acquired
from pipelines.imaging.fidelity import psnr, ssim
from pipelines.imaging.fourier import calibration_region, rss, to_image
from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.classical import ZeroFilled
from pipelines.nets.learned import VIEWS, Unrolled, slabs, unrolled_network
from pipelines.nets.reconstructors import reconstructors
from pipelines.nets.unrolled import Measured
from tests.pipelines.mri_samples import accelerated, brain

FOLDER = Path(__file__).parents[3] / "models/brain_mri_reconstruction"


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """The bundle in models/."""
    return open_bundle(FOLDER)


@pytest.fixture(scope="module")
def method(shipped: Bundle) -> Unrolled:
    """The learned reconstruction."""
    return Unrolled(shipped)


@pytest.mark.parametrize("acceleration", [4, 8])
def test_it_comes_nearer_to_the_reference_than_zeros_do(method: Unrolled, acceleration: int) -> None:
    kspace = brain(1, 8, 96)
    acquired, reference = accelerated(kspace, acceleration), rss(to_image(kspace))
    image, zero_filled = (way.reconstruct(acquired).image for way in (method, ZeroFilled()))
    assert psnr(image, reference) > psnr(zero_filled, reference) + 2
    assert ssim(image, reference) > ssim(zero_filled, reference) + 0.05


@pytest.mark.parametrize(("slices", "coils"), [(1, 1), (2, 3), (6, 1)])
def test_acquired_samples_stay_as_measured_to_the_last_bit(method: Unrolled, slices: int, coils: int) -> None:
    acquired = accelerated(brain(slices, coils, 48), 4)
    made = method.reconstruct(acquired)
    assert made.kspace is not None
    there = np.broadcast_to(acquired.plane_mask, made.kspace.shape)
    assert np.array_equal(made.kspace[there], acquired.kspace[there])
    assert np.allclose(made.image, rss(to_image(made.kspace)), atol=1e-6)


def test_an_odd_matrix_and_two_phase_encodings_are_reconstructed(method: Unrolled) -> None:
    kspace = brain(1, 4, 65)
    mask = np.zeros((65, 65), bool)
    mask[::2, ::2] = mask[26:39, 26:39] = True
    image = method.reconstruct(Acquired(kspace * mask, mask, *calibration_region(mask))).image
    zero_filled = rss(to_image(kspace * mask))
    assert psnr(image, rss(to_image(kspace))) > psnr(zero_filled, rss(to_image(kspace))) + 2


def test_the_same_input_gives_the_same_bytes_and_no_global_random_number_is_drawn(method: Unrolled) -> None:
    acquired = accelerated(brain(1, 2, 48), 4)
    before = torch.random.get_rng_state()
    one, again = method.reconstruct(acquired), method.reconstruct(acquired)
    assert one.image.tobytes() == again.image.tobytes()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_unit_of_the_data_is_the_unit_of_image_and_uncertainty(method: Unrolled) -> None:
    acquired = accelerated(brain(1, 2, 48), 4)
    louder = Acquired(acquired.kspace * np.float32(1024), acquired.mask, acquired.calibration)
    one, other = method.reconstruct(acquired), method.reconstruct(louder)
    assert one.uncertainty is not None
    assert other.uncertainty is not None
    assert np.allclose(other.image, 1024 * one.image, rtol=1e-3, atol=1024 * 1e-4)
    assert np.allclose(other.uncertainty, 1024 * one.uncertainty, rtol=0.05, atol=1024 * 1e-4)


def test_the_uncertainty_is_larger_where_the_error_is(method: Unrolled) -> None:
    kspace = brain(1, 8, 96)
    made = method.reconstruct(accelerated(kspace, 8))
    assert made.uncertainty is not None
    error = np.abs(made.image - rss(to_image(kspace)))
    doubtful = made.uncertainty > np.quantile(made.uncertainty, 0.8)
    assert error[doubtful].mean() > 2 * error[~doubtful].mean()


def test_fully_sampled_data_are_certain(method: Unrolled) -> None:
    kspace = brain(1, 3, 48)
    made = method.reconstruct(Acquired(kspace, np.ones(48, bool), slice(0, 48)))
    assert made.uncertainty is not None
    assert made.uncertainty.max() < 1e-5
    assert np.allclose(made.image, rss(to_image(kspace)), atol=1e-6)


def test_without_calibration_lines_it_refuses(method: Unrolled) -> None:
    acquired = accelerated(brain(1, 3, 48), 4)
    with pytest.raises(UnsuitableInput) as refused:
        method.reconstruct(Acquired(acquired.kspace, acquired.mask, slice(0, 0)))
    assert refused.value.code == "kspace_no_calibration"


@pytest.mark.parametrize("name", sorted(VIEWS))
@pytest.mark.parametrize("columns", [8, 9])
def test_a_view_shows_the_same_measurement(name: str, columns: int) -> None:
    random = np.random.default_rng(0)
    parts = random.standard_normal((2, 1, 2, 6, columns)).astype(np.float32)
    images = torch.from_numpy(parts[0] + 1j * parts[1])
    kspace, maps = kspace_of(images), images / images.abs().square().sum(dim=1, keepdim=True).sqrt()
    seen = VIEWS[name].change(Measured(kspace, torch.ones(6, columns), maps))
    # Whatever the view, its maps must explain its own k-space, and the way back must lead back.
    combined = (images_of(seen.kspace) * seen.maps.conj()).sum(dim=1, keepdim=True)
    assert torch.allclose(seen.maps * combined, images_of(seen.kspace), atol=1e-4)
    assert torch.allclose(VIEWS[name].restore(seen.kspace), kspace, atol=1e-5)


def images_of(kspace: torch.Tensor) -> torch.Tensor:
    """Coil images, by the numpy transform."""
    return torch.from_numpy(to_image(kspace.numpy()))


def kspace_of(images: torch.Tensor) -> torch.Tensor:
    """k-space of coil images, by numpy."""
    shifted = np.fft.fft2(np.fft.ifftshift(images.numpy(), axes=(-2, -1)), norm="ortho")
    return torch.from_numpy(np.fft.fftshift(shifted, axes=(-2, -1)).astype(np.complex64))


def test_slabs_cover_every_slice_once_and_are_alike() -> None:
    spans = list(slabs(11, 5))
    assert [place for span in spans for place in range(span.start, span.stop)] == list(range(11))
    assert {span.stop - span.start for span in spans} <= {3, 4}


def test_every_method_goes_by_its_name(shipped: Bundle) -> None:
    methods = reconstructors(shipped)
    assert list(methods) == ["zero_filled", "sense", "compressed_sensing", "unrolled"]
    assert all(method.name == name for name, method in methods.items())


def test_another_network_than_ours_is_refused(shipped: Bundle) -> None:
    definition = {**shipped.inference["network_def"], "_target_": "os.system"}
    foreign = Bundle(
        **{
            **{name: getattr(shipped, name) for name in Bundle.__slots__},
            "inference": {**shipped.inference, "network_def": definition},
        }
    )
    with pytest.raises(ModelError):
        unrolled_network(foreign)
