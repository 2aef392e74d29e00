"""A residual U-Net (MONAI's DynUNet) written down as an OpenVINO model: no tracing, so that a worker starts at once.

`openvino.convert_model` reaches the same model through `torch.jit.trace`, which PyTorch calls deprecated, in 9 s for
one member; this takes a tenth of a second. Heads of deep supervision, which speak in training only, are left out.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import openvino
from monai.networks.blocks.dynunet_block import UnetBasicBlock, UnetOutBlock, UnetResBlock, UnetUpBlock
from monai.networks.nets.dynunet import DynUNet
from openvino import opset13
from torch import nn

from pipelines.core.errors import ModelError
from pipelines.nets.graph import array, constant

Node = Any  # OpenVINO gives its nodes no usable type
_SPACE: Final = np.array([2, 3, 4], np.int64)
_CHANNELS: Final = 1


def openvino_unet(network: DynUNet, window: tuple[int, int, int]) -> openvino.Model:
    """A model of (n, 1, x, y, z) float32 windows, any n, with three outputs.

    They are the probabilities (n, k, x, y, z) and what the last step of the way up starts from: the step before it, at
    half resolution, and the way down's first level. Raises ModelError for a layer it does not know.
    """
    images = opset13.parameter([-1, network.in_channels, *window], np.float32, "images")
    levels = [_block(network.input_block, images)]
    for layer in network.downsamples:
        levels.append(_block(layer, levels[-1]))
    node = _block(network.bottleneck, levels[-1])
    *early, last = network.upsamples
    for layer, beside in zip(early, reversed(levels[1:]), strict=True):
        node = _up(layer, node, beside)
    logits = _out(network.output_block, _up(last, node, levels[0]))
    return openvino.Model([opset13.softmax(logits, _CHANNELS), node, levels[0]], [images], "unet")


def _block(block: nn.Module, node: Node) -> Node:
    """Two convolutions, each normalised; the residual kind adds its input before the last activation."""
    if not isinstance(block, UnetBasicBlock | UnetResBlock):
        raise ModelError(f"no OpenVINO form for a block of kind {type(block).__name__}")
    inner = _activation(block.lrelu, _norm(block.norm1, _convolution(block.conv1, node)))
    inner = _norm(block.norm2, _convolution(block.conv2, inner))
    if isinstance(block, UnetResBlock):
        # DynUNet makes these layers only where the shapes differ.
        beside = node if not hasattr(block, "conv3") else _norm(block.norm3, _convolution(block.conv3, node))
        inner = opset13.add(inner, beside)
    return _activation(block.lrelu, inner)


def _up(layer: nn.Module, node: Node, beside: Node) -> Node:
    """To twice the resolution, and together with what the way down left there."""
    if not isinstance(layer, UnetUpBlock):
        raise ModelError(f"no OpenVINO form for a layer of kind {type(layer).__name__}")
    transposed = _single(layer.transp_conv, nn.ConvTranspose3d)
    if any(transposed.padding) or any(transposed.output_padding):
        raise ModelError("no OpenVINO form for a padded transposed convolution")
    node = opset13.convolution_backprop_data(
        node,
        constant(array(transposed.weight)),
        strides=list(transposed.stride),
        pads_begin=[0, 0, 0],
        pads_end=[0, 0, 0],
        dilations=list(transposed.dilation),
    )
    return _block(layer.conv_block, opset13.concat([_biased(node, transposed), beside], _CHANNELS))


def _out(block: nn.Module, node: Node) -> Node:
    if not isinstance(block, UnetOutBlock):
        raise ModelError(f"no OpenVINO form for a head of kind {type(block).__name__}")
    return _convolution(block.conv, node)


def _convolution(sequence: nn.Module, node: Node) -> Node:
    layer = _single(sequence, nn.Conv3d)
    if layer.groups != 1 or isinstance(layer.padding, str):
        raise ModelError("no OpenVINO form for a grouped convolution")
    padding = list(layer.padding)
    weight = constant(array(layer.weight))
    node = opset13.convolution(node, weight, list(layer.stride), padding, padding, list(layer.dilation))
    return _biased(node, layer)


def _biased(node: Node, layer: nn.Conv3d | nn.ConvTranspose3d) -> Node:
    return node if layer.bias is None else opset13.add(node, constant(_broadcast(layer.bias)))


def _norm(layer: nn.Module, node: Node) -> Node:
    """Instance normalisation: each channel of each window by its own mean and variance (Ulyanov et al. 2016)."""
    if not isinstance(layer, nn.InstanceNorm3d) or layer.track_running_stats:
        raise ModelError(f"no OpenVINO form for a normalisation of kind {type(layer).__name__}")
    node = opset13.mvn(node, constant(_SPACE), True, layer.eps, "inside_sqrt")
    if not layer.affine:
        return node
    return opset13.add(opset13.multiply(node, constant(_broadcast(layer.weight))), constant(_broadcast(layer.bias)))


def _activation(layer: nn.Module, node: Node) -> Node:
    if not isinstance(layer, nn.LeakyReLU):
        raise ModelError(f"no OpenVINO form for an activation of kind {type(layer).__name__}")
    return opset13.prelu(node, constant(np.array([layer.negative_slope])))


def _single(sequence: nn.Module, kind: type[Any]) -> Any:  # Any: the kind that was asked for
    """The one layer of a MONAI `Convolution` at work here; raises ModelError where there is more to it."""
    layers = list(sequence.children())
    if len(layers) != 1 or not isinstance(layers[0], kind):
        raise ModelError("no OpenVINO form for a convolution with more than its weights")
    return layers[0]


def _broadcast(values: object) -> Any:  # Any: float64 array, as graph.array gives it
    """(channels,) as (1, channels, 1, 1, 1)."""
    return array(values).reshape(1, -1, 1, 1, 1)
