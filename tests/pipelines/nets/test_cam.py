"""Grad-CAM in closed form, by our own hook and by captum is one and the same map."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from pipelines.core.errors import ModelError
from pipelines.nets.backbones import BACKBONES, Grader
from pipelines.nets.bundle import Bundle, build_network
from pipelines.nets.cam import grad_cam, grad_cam_by_gradient, is_degenerate, recorded
from pipelines.nets.precision import Engine, head_weights
from tests.pipelines.nets.conftest import SIZE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # captum's own imports
    from captum.attr import LayerGradCam

WITHIN = 0.01  # of the map's maximum


class FeaturesOnly(nn.Module):
    """The members' concatenated features as a module of its own, for captum to hook."""

    def __init__(self, network: Grader) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network.features(images)


class LogitsOnly(nn.Module):
    """A grader as captum wants it: one output."""

    def __init__(self, network: Grader) -> None:
        super().__init__()
        self.features, self.head = FeaturesOnly(network), network.head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images).mean(dim=(2, 3)))


@pytest.fixture
def image() -> np.ndarray:
    """(1, 3, SIZE, SIZE) float32 in -1 to 1."""
    return np.random.default_rng(5).uniform(-1, 1, (1, 3, SIZE, SIZE)).astype(np.float32)


def by_captum(model: nn.Module, layer: nn.Module, image: np.ndarray, target: int) -> np.ndarray:
    given = torch.from_numpy(image).requires_grad_(True)
    attribution = LayerGradCam(model, layer).attribute(given, target=target, relu_attributions=True)
    positive = attribution[0, 0].detach().numpy()
    return positive / positive.max()


@pytest.mark.parametrize("target", range(8))
def test_the_closed_form_on_openvino_features_is_captums_map(
    bundle: Bundle, openvino: Engine, image: np.ndarray, target: int
) -> None:
    features = openvino.run(image).features[0]
    ours = grad_cam(features, head_weights(bundle)[target])
    model = LogitsOnly(build_network(bundle))
    assert ours.max() == 1.0
    assert np.abs(ours - by_captum(model, model.features, image, target)).max() <= WITHIN


def test_the_gradient_form_is_the_closed_form(bundle: Bundle, openvino: Engine, image: np.ndarray) -> None:
    model = LogitsOnly(build_network(bundle))
    by_gradient = grad_cam_by_gradient(model, model.features, torch.from_numpy(image), 2)
    features = openvino.run(image).features[0]
    assert np.abs(by_gradient - grad_cam(features, head_weights(bundle)[2])).max() <= WITHIN


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0"])
def test_the_gradient_form_is_captums_map_on_other_networks(name: str, image: np.ndarray) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        backbone = BACKBONES[name]
        model = nn.Sequential(backbone.build(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(backbone.channels, 5))
    model.eval()
    layer = list(model[0].children())[-2]  # not the last: the gradient there is no constant
    ours = grad_cam_by_gradient(model, layer, torch.from_numpy(image), 3)
    assert np.abs(ours - by_captum(model, layer, image, 3)).max() <= WITHIN


def test_a_map_by_hand() -> None:
    features = np.array([[[1.0, 0.0], [2.0, 0.0]], [[0.0, 1.0], [0.0, 3.0]]], np.float32)
    assert grad_cam(features, np.array([1.0, -1.0], np.float32)).tolist() == [[0.5, 0.0], [1.0, 0.0]]


def test_a_map_in_which_nothing_speaks_for_the_class_is_flagged() -> None:
    cam = grad_cam(np.ones((2, 3, 3), np.float32), np.array([-1.0, -2.0], np.float32))
    assert not cam.any()
    assert is_degenerate(cam)


def test_a_constant_map_and_one_that_is_not_finite_are_flagged() -> None:
    assert is_degenerate(grad_cam(np.ones((2, 3, 3), np.float32), np.ones(2, np.float32)))
    assert is_degenerate(np.array([[0.0, np.nan], [1.0, 0.5]], np.float32))


def test_a_map_with_a_place_is_not_flagged(bundle: Bundle, openvino: Engine, image: np.ndarray) -> None:
    features = openvino.run(image).features[0]
    assert not is_degenerate(grad_cam(features, head_weights(bundle)[0]))


def test_the_gradient_form_leaves_no_hook_no_gradient_and_the_random_state_alone(image: np.ndarray) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    before = torch.random.get_rng_state()
    grad_cam_by_gradient(model, model[0], torch.from_numpy(image), 0)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.is_grad_enabled()
    assert not model[0]._forward_hooks
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


def test_the_hook_is_gone_after_a_failure() -> None:
    layer = nn.Linear(2, 2)
    with pytest.raises(RuntimeError), recorded(layer):
        layer(torch.zeros(1, 3))
    assert not layer._forward_hooks
    assert torch.is_grad_enabled()


def test_a_layer_outside_the_forward_pass_is_named_as_such(image: np.ndarray) -> None:
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ModelError, match="takes no part"):
        grad_cam_by_gradient(model, nn.Linear(2, 2), torch.from_numpy(image), 0)
