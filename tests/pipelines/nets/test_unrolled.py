"""The unrolled network at its structure: with weights drawn at random everything here must hold already."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pipelines.nets.unrolled import AcrossSlices, Measured, UNet, UnrolledNetwork, rss, to_image, unrolled


@pytest.fixture(scope="module")
def network() -> UnrolledNetwork:
    """A small network whose U-Nets do something: their last layers, zero at first, are drawn too."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = unrolled(cascades=2, channels=[8, 12]).eval()
        for part in made.modules():
            if isinstance(part, UNet):
                torch.nn.init.normal_(part.last.weight, std=0.05)
            if isinstance(part, AcrossSlices):
                torch.nn.init.normal_(part.taps, std=0.5)
    return made.requires_grad_(False)


def drawn(*shape: int) -> Tensor:
    """complex64 random numbers, the same every time."""
    random = np.random.default_rng(7)
    return torch.from_numpy((random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(np.complex64))


def measured(slices: int, coils: int, rows: int, columns: int, step_x: int = 1) -> Measured:
    """Random k-space and maps; every third line (of it every `step_x`-th sample) and the middle acquired."""
    kspace = drawn(slices, coils, rows, columns)
    mask = torch.zeros(rows, columns)
    mask[::3, ::step_x] = 1
    mask[rows // 2 - 4 : rows // 2 + 4, columns // 2 - 4 : columns // 2 + 4] = 1
    return Measured(kspace * mask, mask, kspace / rss(kspace)[:, None])


SHAPES = [(1, 1, 24, 24), (1, 2, 33, 20), (3, 4, 18, 27), (2, 5, 12, 64)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("step_x", [1, 2])
def test_acquired_samples_stay_as_measured_and_the_image_is_theirs(
    network: UnrolledNetwork, shape: tuple[int, int, int, int], step_x: int
) -> None:
    given = measured(*shape, step_x=step_x)
    completed = network(given)
    acquired = given.mask.bool().expand(shape)
    assert torch.equal(completed.kspace[acquired], given.kspace[acquired])
    assert completed.kspace[~acquired].abs().max() > 0
    assert torch.allclose(completed.image, rss(to_image(completed.kspace)))


def test_one_set_of_weights_is_a_plane_network_for_a_single_slice(network: UnrolledNetwork) -> None:
    given = measured(1, 3, 24, 24)
    before = network(given).image
    changed = unrolled(cascades=2, channels=[8, 12]).eval()
    changed.load_state_dict(network.state_dict())
    for part in changed.modules():
        if isinstance(part, AcrossSlices):
            part.taps.data[:, [0, 2]] = 9.0
    assert torch.equal(changed(given).image, before)


def test_slices_of_a_slab_inform_each_other(network: UnrolledNetwork) -> None:
    given = measured(3, 2, 24, 24)
    alone = Measured(given.kspace[1:2], given.mask, given.maps[1:2])
    assert not torch.allclose(network(given).image[1], network(alone).image[0], rtol=1e-3)


def test_fully_sampled_data_come_back_untouched(network: UnrolledNetwork) -> None:
    given = measured(2, 3, 20, 22)
    full = Measured(drawn(2, 3, 20, 22), torch.ones_like(given.mask), given.maps)
    assert torch.equal(network(full).kspace, full.kspace)


def test_training_reaches_every_weight(network: UnrolledNetwork) -> None:
    trained = unrolled(cascades=2, channels=[8, 12])
    trained.load_state_dict(network.state_dict())
    given = measured(2, 3, 24, 24)
    image: Tensor = trained(given).image
    image.square().mean().backward()
    unreached = [name for name, weight in trained.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert unreached == []
