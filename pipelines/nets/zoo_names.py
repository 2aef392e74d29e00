"""The names that an untrusted bundle may use: MONAI networks, transforms and inferers, listed one by one.

On the list is what turns plain values and tensors into tensors. Left out is what reads or writes files, goes to the
network, imports by name, takes a function, draws at random, or prints.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np
import torch

from pipelines.core.errors import BundleRefused

NETWORKS: Final = "monai.networks.nets"
TRANSFORMS: Final = "monai.transforms"
INFERERS: Final = "monai.inferers"

_LISTED: Final[Mapping[str, frozenset[str]]] = {
    NETWORKS: frozenset(
        [
            "AttentionUnet",
            "AutoEncoder",
            "BasicUNet",
            "BasicUNetPlusPlus",
            "BasicUnet",
            "Classifier",
            "DenseNet",
            "DenseNet121",
            "DenseNet169",
            "DenseNet201",
            "DenseNet264",
            "DenseNet121",
            "DynUNet",
            "DynUnet",
            "EfficientNetBN",
            "FlexibleUNet",
            "FlexUNet",
            "HighResNet",
            "Regressor",
            "ResNet",
            "SEResNet50",
            "SEResNet101",
            "SEResNet152",
            "SEResNeXt50",
            "SEResNeXt101",
            "SENet154",
            "SegResNet",
            "SegResNetDS",
            "SwinUNETR",
            "UNETR",
            "UNet",
            "Unet",
            "VNet",
            "ViT",
            "resnet10",
            "resnet18",
            "resnet34",
            "resnet50",
            "resnet101",
            "resnet152",
        ]
    ),
    TRANSFORMS: frozenset(
        [
            "Activationsd",
            "AdjustContrastd",
            "AsDiscreted",
            "BorderPadd",
            "CastToTyped",
            "CenterScaleCropd",
            "CenterSpatialCropd",
            "ClipIntensityPercentilesd",
            "Compose",
            "CopyItemsd",
            "CropForegroundd",
            "DeleteItemsd",
            "DivisiblePadd",
            "EnsureTyped",
            "FillHolesd",
            "Flipd",
            "GaussianSharpend",
            "GaussianSmoothd",
            "HistogramNormalized",
            "Identityd",
            "Invertd",
            "KeepLargestConnectedComponentd",
            "LabelFilterd",
            "MapLabelValued",
            "MaskIntensityd",
            "MedianSmoothd",
            "NormalizeIntensityd",
            "Orientationd",
            "RemoveSmallObjectsd",
            "RepeatChanneld",
            "ResizeWithPadOrCropd",
            "Resized",
            "Rotate90d",
            "ScaleIntensityRanged",
            "ScaleIntensityRangePercentilesd",
            "ScaleIntensityd",
            "SelectItemsd",
            "ShiftIntensityd",
            "Spacingd",
            "SpatialPadd",
            "SqueezeDimd",
            "ThresholdIntensityd",
            "ToDeviced",
            "ToTensord",
            "Transposed",
            "Zoomd",
        ]
    ),
    INFERERS: frozenset(["SimpleInferer", "SliceInferer", "SlidingWindowInferer", "SlidingWindowInfererAdapt"]),
}

#: Steps that bring a file in or write one out. Overread does both itself, so these are taken out, whatever they say.
LOADERS: Final = frozenset(
    {"LoadImaged", "LoadImageD", "LoadImageDict", "EnsureChannelFirstd", "AddChanneld", "AsChannelFirstd"}
)
SAVERS: Final = frozenset({"SaveImaged", "SaveImageD", "SaveImageDict", "SaveClassificationd"})

#: Arguments that a listed name would run, print with or fetch by; the value is what Overread passes instead.
_FORCED: Final[Mapping[str, object]] = {"pretrained": False, "progress": False}
_REFUSED_ARGUMENTS: Final[Mapping[str, frozenset[str]]] = {
    "Compose": frozenset({"log_stats", "overrides"}),
    "Activationsd": frozenset({"other"}),
    "CropForegroundd": frozenset({"select_fn"}),
    "ThresholdIntensityd": frozenset({"select_fn"}),
    "MaskIntensityd": frozenset({"select_fn"}),
}


@contextmanager
def muted() -> Iterator[None]:
    """Without warnings: MONAI's tell a bundle's author what will change, and nobody here can change it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def plain_name(target: str) -> str:
    """`monai.transforms.LoadImaged` -> `LoadImaged`."""
    return target.rpartition(".")[2]


def is_of_monai(target: str) -> bool:
    """Whether a `_target_` is a bare name or one in MONAI: what MONAI's own locator would take from MONAI."""
    return "." not in target or target.startswith("monai.")


def first_line(error: BaseException) -> str:
    """What an error says, short: libraries add pages of advice."""
    return str(error).split("\n", 1)[0][:200]


@dataclass(frozen=True, slots=True)
class Listed:
    """A name on the list with what it stands for."""

    name: str
    module: str
    made: Callable[..., object]

    def build(self, arguments: list[object], keywords: dict[str, object]) -> object:
        """Make the object; raises BundleRefused where an argument does not fit or a package is missing."""
        for argument in sorted(_REFUSED_ARGUMENTS.get(self.name, frozenset()) & set(keywords)):
            raise BundleRefused(f"{self.name} with {argument} is not run", code="bundle_argument_refused")
        try:
            known = inspect.signature(self.made).parameters
            forced = {name: value for name, value in _FORCED.items() if name in known}
            with muted():
                return self.made(*arguments, **{**keywords, **forced})
        except ImportError as error:  # MONAI's OptionalImportError is one: the package is named in it
            raise BundleRefused(
                f"{self.name} needs a package: {first_line(error)}", code="bundle_package_missing"
            ) from error
        except (ArithmeticError, AssertionError, AttributeError, LookupError) as error:
            raise self._misfit(error) from error
        except (NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, NotImplementedError) and "meta" in str(error):
                raise
            raise self._misfit(error) from error

    def _misfit(self, error: Exception) -> BundleRefused:
        return BundleRefused(
            f"{self.name} does not take these arguments: {first_line(error)}", code="bundle_argument_refused"
        )


def listed(target: str) -> Listed:
    """What a `_target_` stands for; raises BundleRefused for any name that is not on the list."""
    module, _, name = target.rpartition(".")
    for place, names in _LISTED.items():
        if name in names and (module in ("", place) or module.startswith(f"{place}.")):
            made: Callable[..., object] = getattr(import_module(place), name)
            return Listed(name, place, made)
    raise BundleRefused(
        f"{target} is not on the list of names that are run for an untrusted bundle", code="bundle_name_refused"
    )


def make_target(target: str, keywords: dict[str, object]) -> object:
    """The object of a `_target_`; raises BundleRefused."""
    if target == "torch.device":
        return call("torch.device", [], keywords)
    return listed(target).build([], keywords)


_DTYPES: Final = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")


def _constants() -> Mapping[str, object]:
    made: dict[str, object] = {f"torch.{name}": getattr(torch, name) for name in _DTYPES}
    made |= {"torch.float": torch.float, "torch.long": torch.long, "torch.half": torch.half}
    for prefix in ("np", "numpy"):
        made |= {f"{prefix}.{name}": getattr(np, name) for name in _DTYPES if name != "bool"}
        made |= {f"{prefix}.pi": math.pi, f"{prefix}.inf": math.inf}
    made |= {"math.pi": math.pi, "math.inf": math.inf}
    for name, value in {"IMAGE": "image", "LABEL": "label", "PRED": "pred"}.items():
        made[f"monai.utils.CommonKeys.{name}"] = value
        made[f"monai.utils.enums.CommonKeys.{name}"] = value
    return made


CONSTANTS: Final[Mapping[str, object]] = _constants()

#: Functions of plain values; what they raise on others is the expression's refusal.
_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {  # Any: a plain value, bounded by the evaluator
    "abs": abs,
    "bool": bool,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "round": round,
    "sum": sum,
    "tuple": tuple,
    "torch.cuda.is_available": torch.cuda.is_available,
    "torch.device": torch.device,
}


def call(name: str, arguments: list[object], keywords: dict[str, object]) -> object:
    """A call in an expression: one of the functions above, or a listed name; raises BundleRefused."""
    if name not in _FUNCTIONS:
        return listed(name).build(arguments, keywords)
    try:
        return _FUNCTIONS[name](*arguments, **keywords)
    except RuntimeError as error:
        raise BundleRefused(f"{name} does not take these arguments", code="bundle_argument_refused") from error
