"""A grader written down as an OpenVINO model, layer by layer: no tracing, so that a worker starts in a second.

`openvino.convert_model` reaches the same model through `torch.jit.trace`, which PyTorch calls deprecated, in 14 s of
processor time for five members; this takes a fraction of a second, since the networks hold only a few kinds of layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13
from torch import Tensor, nn

from pipelines.core.errors import ModelError
from pipelines.nets.backbones import Grader, InvertedResidual

Node = Any  # OpenVINO gives its nodes no usable type
RELU6_MAXIMUM = 6.0
NO_PADDING = (0, 0, 0, 0)


def openvino_model(network: Grader, size: int) -> openvino.Model:
    """A model of (n, 3, size, size) float32 with the outputs logits and features, any n.

    Batch normalisation is folded into the convolution before it. Raises ModelError for a layer it does not know.
    """
    images = opset13.parameter([-1, 3, size, size], np.float32, "images")
    features = opset13.concat([append(member, images) for member in network.members], 1)
    pooled = opset13.reduce_mean(features, constant(np.array([2, 3], np.int64)), keep_dims=False)
    weight, bias = array(network.head.weight), array(network.head.bias)
    logits = opset13.add(opset13.matmul(pooled, constant(weight), False, True), constant(bias))
    return openvino.Model([logits, features], [images], "grader")


def append(module: nn.Module, node: Node) -> Node:
    """`node` as it leaves `module`."""
    match module:
        case InvertedResidual():
            filtered = append(module.layers, node)
            return opset13.add(node, filtered) if module.residual else filtered
        case nn.Sequential():
            return append_sequence(list(module.children()), node)
        case _:
            raise ModelError(f"no OpenVINO form for a layer of kind {type(module).__name__}")


def append_sequence(layers: list[nn.Module], node: Node) -> Node:
    """`node` as it leaves a sequence; padding and normalisation go into the convolution between them."""
    padding: tuple[int, ...] = NO_PADDING
    for before, layer, following in zip([None, *layers[:-1]], layers, [*layers[1:], None], strict=True):
        match layer:
            case nn.ZeroPad2d():
                padding = tuple(layer.padding)
            case nn.Conv2d() if isinstance(following, nn.BatchNorm2d):
                node = convolution(layer, following, padding, node)
                padding = NO_PADDING
            case nn.BatchNorm2d() if isinstance(before, nn.Conv2d):
                continue  # in the convolution already
            case nn.ReLU6():
                node = opset13.clamp(node, 0.0, RELU6_MAXIMUM)
            case _:
                node = append(layer, node)
    return node


def convolution(layer: nn.Conv2d, norm: nn.BatchNorm2d, padding: tuple[int, ...], node: Node) -> Node:
    """Convolution and the batch normalisation behind it as one; `padding` (left, right, top, bottom) from before it."""
    scale = array(norm.weight) / np.sqrt(array(norm.running_var) + norm.eps)
    weight = array(layer.weight) * scale[:, None, None, None]
    bias = array(norm.bias) - array(norm.running_mean) * scale
    rows, columns = (int(width) for width in layer.padding)
    left, right, top, bottom = padding
    begin, end = [top + rows, left + columns], [bottom + rows, right + columns]
    strides, dilations = list(layer.stride), list(layer.dilation)
    if layer.groups == 1:
        filtered = opset13.convolution(node, constant(weight), strides, begin, end, dilations)
    else:
        grouped = weight.reshape(layer.groups, -1, *weight.shape[1:])
        filtered = opset13.group_convolution(node, constant(grouped), strides, begin, end, dilations)
    return opset13.add(filtered, constant(bias[None, :, None, None]))


def array(tensor: Any) -> NDArray[np.float64]:  # torch types a module's attributes as tensor or module
    """A parameter or buffer as float64: folding is done at that precision."""
    if not isinstance(tensor, Tensor):
        raise ModelError("a normalisation layer lacks its statistics")
    return np.asarray(tensor.detach().cpu().numpy(), np.float64)


def constant(values: NDArray[Any]) -> Node:
    """Whole numbers as they are, all else as float32."""
    return opset13.constant(values if values.dtype.kind == "i" else values.astype(np.float32))
