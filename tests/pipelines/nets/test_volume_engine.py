from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.networks.nets.dynunet import DynUNet
from torch import nn

from pipelines.core.errors import ModelError
from pipelines.nets.cam import is_degenerate
from pipelines.nets.ladder import CPU, Rung
from pipelines.nets.sliding import Tiling
from pipelines.nets.views import all_views, entropy, window_over
from pipelines.nets.volume_cam import agreement, layer_of, near, structure_cam
from pipelines.nets.volume_engine import OpenVinoVolumeEngine, TorchVolumeEngine, choose_volume_engine

WINDOW = (16, 24, 16)


def network(seed: int, **changes: object) -> DynUNet:
    definition: dict[str, object] = {
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 3,
        "kernel_size": [3, 3, 3],
        "strides": [1, 2, 2],
        "upsample_kernel_size": [2, 2],
        "filters": [4, 6, 8],
        "norm_name": ("INSTANCE", {"affine": True}),
        "res_block": True,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = DynUNet(**(definition | changes))
        for values in made.parameters():
            nn.init.normal_(values, 0.3, 0.5)
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def networks() -> tuple[DynUNet, DynUNet]:
    return network(6), network(8)


def volume() -> np.ndarray:
    return np.random.default_rng(3).standard_normal(WINDOW).astype(np.float32)


@pytest.mark.parametrize(
    "changes",
    [{}, {"res_block": False}, {"norm_name": "instance"}, {"deep_supervision": True}, {"trans_bias": True}],
    ids=str,
)
def test_openvino_says_what_pytorch_says(changes: dict[str, object]) -> None:
    made = network(4, **changes)
    windows = np.stack([volume(), volume()[::-1]])[:, None]
    theirs = TorchVolumeEngine([made], CPU).run(0, windows)
    ours = OpenVinoVolumeEngine([made]).run(0, windows)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    np.testing.assert_allclose(ours.sum(axis=1), 1, atol=1e-5)


def test_both_engines_see_the_same_inside(networks: tuple[DynUNet, DynUNet]) -> None:
    theirs = TorchVolumeEngine(networks, CPU).inside(1, volume())
    ours = OpenVinoVolumeEngine(networks).inside(1, volume())
    np.testing.assert_allclose(ours.half, theirs.half, atol=1e-3)
    np.testing.assert_allclose(ours.full, theirs.full, atol=1e-3)


def test_a_layer_that_cannot_be_written_down_is_refused() -> None:
    with pytest.raises(ModelError):
        OpenVinoVolumeEngine([network(1, norm_name="batch")]).run(0, volume()[None, None])
    with pytest.raises(ModelError):
        choose_volume_engine([nn.Conv3d(1, 3, 3)])


def test_the_same_input_gives_the_same_bytes_also_after_memory_was_given_back(
    networks: tuple[DynUNet, DynUNet],
) -> None:
    engine, state = OpenVinoVolumeEngine(networks), torch.get_rng_state()
    first = engine.run(0, volume()[None, None])
    engine.free()
    assert engine.run(0, volume()[None, None]).tobytes() == first.tobytes()
    assert torch.equal(torch.get_rng_state(), state)


def test_every_member_looks_from_every_side_and_answers_in_the_volumes_own_order(
    networks: tuple[DynUNet, DynUNet],
) -> None:
    engine, given = OpenVinoVolumeEngine(networks), volume()
    views = all_views(given, engine, ((), (0,), (1, 2)), Tiling(WINDOW, 0.5, 1))
    assert views.shape == (6, 3, *WINDOW)
    mirrored = engine.run(1, np.ascontiguousarray(given[::-1])[None, None])[0]
    np.testing.assert_allclose(views[4], mirrored[:, ::-1], atol=1e-5)


def test_entropy_is_0_where_sure_and_1_where_all_is_equally_likely() -> None:
    sure, even = np.array([1, 0, 0], np.float32), np.full(3, 1 / 3, np.float32)
    found = entropy(np.stack([sure, even], axis=1)[:, :, None, None])
    np.testing.assert_allclose(found.ravel(), [0, 1], atol=1e-6)


def test_one_window_covers_a_crop_and_no_window_is_larger_than_its_rung() -> None:
    rung = Rung((48, 64, 48), 1, CPU)
    assert window_over((35, 51, 40), rung, 8) == (40, 56, 40)
    assert window_over((35, 151, 40), rung, 8) == (40, 64, 40)


def test_grad_cam_is_the_gradient_at_half_resolution_times_what_is_there(networks: tuple[DynUNet, DynUNet]) -> None:
    made, given = networks[1], torch.from_numpy(volume())[None, None]
    structure = np.zeros(WINDOW, bool)
    structure[4:9, 8:14, 5:10] = True
    kept: dict[str, torch.Tensor] = {}

    def keep(_module: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        kept["half"] = output.detach().requires_grad_(True)
        return kept["half"]

    handle = made.get_submodule(layer_of(made)).register_forward_hook(keep)
    logits = made(given)[0]
    handle.remove()
    logits[1:, torch.from_numpy(structure)].sum().backward()
    gradient = kept["half"].grad
    assert gradient is not None
    expected = (gradient[0].mean(dim=(1, 2, 3), keepdim=True) * kept["half"].detach()[0]).sum(0).clamp(min=0)
    expected = nn.functional.interpolate(expected[None, None], size=WINDOW, mode="trilinear", align_corners=False)
    found = structure_cam(made, OpenVinoVolumeEngine(networks).inside(1, volume()), structure)
    assert found.shape == WINDOW
    np.testing.assert_allclose(found, (expected / expected.max())[0, 0].numpy(), atol=1e-3)
    assert all(values.grad is None for values in made.parameters())


def test_nothing_segmented_gives_a_map_without_a_place(networks: tuple[DynUNet, DynUNet]) -> None:
    inside = OpenVinoVolumeEngine(networks).inside(0, volume())
    assert is_degenerate(structure_cam(networks[0], inside, np.zeros(WINDOW, bool)))


def test_the_mass_near_a_structure_is_measured_in_millimetres() -> None:
    structure, cam = np.zeros((20, 5, 5), bool), np.zeros((20, 5, 5), np.float32)
    structure[2], cam[5], cam[9] = True, 1, 3
    assert near(cam, structure, (1, 1, 1)) == pytest.approx(0.25)
    assert near(cam, structure, (0.5, 1, 1)) == pytest.approx(1)
    assert near(cam * 0, structure, (1, 1, 1)) == 0
    assert near(cam, structure & False, (1, 1, 1)) == 0


def test_members_that_point_to_the_same_place_agree() -> None:
    one = np.random.default_rng(1).random((4, 4, 4)).astype(np.float32)
    assert agreement([one]) is None
    assert agreement([one, 2 * one]) == pytest.approx(1)
    assert agreement([one, 1 - one]) == 0
    assert agreement([one, one * 0]) == 0
