"""Grad-CAM (Selvaraju et al. 2017): in closed form after pooling and a linear layer, or by gradient for any network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipelines.core.errors import ModelError

Map = NDArray[np.float32]

FLAT = 1e-6  # a map whose values differ by less says nothing about places


@dataclass(slots=True)
class Recorded:
    """What a layer gave out during the last forward pass."""

    activation: Tensor | None = None


def grad_cam(features: NDArray[np.float32], weights: NDArray[np.float32]) -> Map:
    """Features (c, h, w) and one class's head weights (c,) -> (h, w) float32 in 0-1.

    With global average pooling and one linear layer the gradient of the class's logit is weights / (h * w) at every
    place, so Grad-CAM is the weighted sum itself: exact, without a backward pass. All zero where nothing speaks for
    the class.
    """
    return scaled(np.maximum(evidence(features, weights), 0))


def evidence(features: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """What each place adds to a class's logit: features (c, h, w) and weights (c,) -> (h, w) float32.

    Summed by NumPy itself. A linear algebra library takes a thread a core for so small a product: they would wait for
    each other in a loop, which halves the pace of a network beside them, and their number would be in the last bit.
    """
    return np.asarray(np.einsum("c,chw->hw", weights, features), np.float32)


def scaled(positive: NDArray[np.float32]) -> Map:
    """Divide by the maximum, where there is one."""
    peak = float(positive.max())
    return np.asarray(positive / peak if peak > 0 else positive, np.float32)


def is_degenerate(cam: Map) -> bool:
    """Whether a map carries no place: all zero, constant or not finite."""
    return not np.isfinite(cam).all() or float(np.ptp(cam)) < FLAT


@contextmanager
def recorded(layer: nn.Module) -> Iterator[Recorded]:
    """Keep the layer's output of each forward pass inside the block and begin the gradient there.

    What runs before the layer leaves no trace for a backward pass: that is what makes Grad-CAM about as fast as the
    forward pass. Outside the block the gradient setting is what it was.
    """
    seen = Recorded()

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        torch.set_grad_enabled(True)
        seen.activation = output.detach().requires_grad_(True)
        return seen.activation.clone()  # a following in-place activation must not touch the leaf

    handle = layer.register_forward_hook(keep)
    try:
        with torch.no_grad():
            yield seen
    finally:
        handle.remove()


def grad_cam_by_gradient(model: nn.Module, layer: nn.Module, image: Tensor, target: int) -> Map:
    """Grad-CAM of class `target` at `layer`: image (1, 3, h, w) -> (h', w') float32 in 0-1.

    `model` returns logits (1, k), or a tuple that begins with them, and should be in evaluation mode. The gradients of
    its parameters stay untouched. Raises ModelError where the layer takes no part in the forward pass.
    """
    with recorded(layer) as seen:
        output = model(image)
        logits = output[0] if isinstance(output, tuple) else output
        if seen.activation is None:
            raise ModelError("the layer takes no part in the forward pass")
        (gradient,) = torch.autograd.grad(logits[0, target], seen.activation)
    activation = seen.activation.detach()[0]
    weighted = (gradient[0].mean(dim=(1, 2), keepdim=True) * activation).sum(dim=0)
    return scaled(weighted.clamp(min=0).numpy(force=True))
