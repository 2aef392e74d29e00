"""What Grad-CAM costs on top of a plain forward pass: ours in closed form and by gradient, captum, pytorch-grad-cam."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.figures import Figure, beside
from benchmarks.inference_engine import BUNDLE, photograph
from pipelines.nets.backbones import Grader
from pipelines.nets.bundle import build_network, open_bundle
from pipelines.nets.cam import grad_cam, grad_cam_by_gradient
from pipelines.nets.precision import head_weights, openvino_engine

#: Where `make bench` installs pytorch-grad-cam (benchmarks/beside.txt).
BESIDE = Path(__file__).parents[1] / ".setup/bench"
REPEATS = 7
TARGET = 1.05
GRADE = 2


class Features(nn.Module):
    """The ensemble's joint feature map as one module, for those who hook a layer."""

    def __init__(self, network: Grader) -> None:
        """Share the network's members."""
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, c, h / 32, w / 32)."""
        return self.network.features(images)


class Logits(nn.Module):
    """The same network with the logits as its only output."""

    def __init__(self, network: Grader) -> None:
        """Share the network's members and head."""
        super().__init__()
        self.features, self.head = Features(network), network.head

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, k)."""
        logits: Tensor = self.head(self.features(images).mean(dim=(2, 3)))
        return logits


def figure(
    name: str, plain_name: str, explained: Callable[[], object], plain: Callable[[], object], ours: bool
) -> Figure:
    """One line of the table; only our own ways have a target."""
    taken, _, ratio = beside(explained, plain, REPEATS)
    target = f"<= {TARGET}x" if ours else ""
    return Figure(name, taken, "s", plain_name, ratio, target, ratio <= TARGET if ours else None)


def closed_form() -> Figure:
    """The map that every result gets: forward pass and map together, beside the forward pass of the engine alone."""
    bundle = open_bundle(BUNDLE)
    image, weights, engine = photograph(bundle), head_weights(bundle)[GRADE], openvino_engine(bundle)
    return figure(
        "Grad-CAM in closed form, openvino",
        "openvino forward",
        lambda: grad_cam(engine.run(image).features[0], weights),
        lambda: engine.run(image),
        ours=True,
    )


def measure() -> list[Figure]:
    """Seconds of forward pass and map together, beside the forward pass of the same engine alone."""
    bundle = open_bundle(BUNDLE)
    model, given = Logits(build_network(bundle)).eval(), torch.from_numpy(photograph(bundle))

    def plain() -> None:
        with torch.inference_mode():
            model(given)

    others = {
        "captum": by_captum(model, given),
        "pytorch-grad-cam": by_grad_cam(Logits(build_network(bundle)).eval(), given),
    }
    return [
        closed_form(),
        figure(
            "Grad-CAM by our hook, torch",
            "torch forward",
            lambda: grad_cam_by_gradient(model, model.features, given, GRADE),
            plain,
            ours=True,
        ),
        *(figure(name, "torch forward", run, plain, ours=False) for name, run in others.items() if run is not None),
    ]


def by_captum(model: Logits, image: Tensor) -> Callable[[], object] | None:
    """captum's LayerGradCam on the same weights; None where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own imports
            from captum.attr import LayerGradCam
    except ModuleNotFoundError:
        print("captum is not installed", file=sys.stderr)
        return None
    attribution = LayerGradCam(model, model.features)
    given = image.clone().requires_grad_(True)  # without it captum finds no graph: our weights take no gradient
    return lambda: attribution.attribute(given, target=GRADE, relu_attributions=True)


def by_grad_cam(model: Logits, image: Tensor) -> Callable[[], object] | None:
    """pytorch-grad-cam on the same weights; None where it is not installed."""
    if BESIDE.is_dir() and str(BESIDE) not in sys.path:
        sys.path.append(str(BESIDE))  # last: whatever the environment has too comes from there
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            register_torchvision_operators()
            from pytorch_grad_cam import GradCAM
            from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    except ModuleNotFoundError:
        print("pytorch-grad-cam is not installed", file=sys.stderr)
        return None
    explain = GradCAM(model=model, target_layers=[model.features])  # hooks stay on: hence a model of its own
    given = image.clone().requires_grad_(True)
    return lambda: explain(input_tensor=given, targets=[ClassifierOutputTarget(GRADE)])


@cache  # the operators live as long as the library object
def register_torchvision_operators() -> Any:  # torch gives its libraries no type
    """Declare the two operators whose absence keeps PyPI's torchvision from importing beside a CPU build of torch."""
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
