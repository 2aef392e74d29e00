"""Checks somebody else's bundle before it is registered: what it reads and says, and whether it runs here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import torch
from monai.inferers.inferer import SliceInferer

from pipelines.core.bundle_files import file_sha256
from pipelines.core.errors import BundleRefused
from pipelines.core.zoo import Task, Trust, ZooBundle, dicom_modalities
from pipelines.nets.zoo_config import Json
from pipelines.nets.zoo_folder import ZooFolder, checked_name
from pipelines.nets.zoo_model import PREDICTION, ZooModel
from pipelines.nets.zoo_names import first_line, muted

#: Packages that zoo bundles ask for and that only their training, evaluation or file reading needs.
_NOT_NEEDED: Final = frozenset(
    {
        "pytorch-ignite",
        "fire",
        "itk",
        "tensorboard",
        "mlflow",
        "pandas",
        "nibabel",
        "tensorrt",
        "torch-tensorrt",
        "cucim",
    }
)
#: metadata.json's `type` and `format` of the output that tell the task. Source: MONAI bundle specification.
_CLASS_WORDS: Final = frozenset({"probabilities", "classes", "labels", "multiclass"})
_VOLUME_DIMENSIONS: Final = 3
_COLOURS: Final = 3
#: Stands for a side that metadata.json writes as a formula, as in 16*n.
_GUESSED_SIDE: Final = 96
_BACKGROUND: Final = "background"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever adds a bundle says of it; `name` and `modality` where the bundle's own do not serve."""

    trust: Trust = Trust.NONE
    automatic: bool = False
    name: str | None = None
    modality: str | None = None


def described(folder: ZooFolder, model_slices: bool, weights: str, wishes: Wishes) -> ZooBundle:
    """The bundle as its metadata describes it; raises BundleRefused with what is missing or not served here.

    `model_slices`: whether its inferer takes a volume apart into slices; `weights`: path of its weights file.
    """
    inputs, outputs = _only(folder, "inputs"), _output(folder)
    dimensions = _VOLUME_DIMENSIONS if model_slices else _dimensions(inputs)
    channels = _number(inputs, "num_channels", 1)
    if channels != 1 and (dimensions == _VOLUME_DIMENSIONS or channels != _COLOURS):
        raise BundleRefused(
            f"the bundle reads {channels} channels at once; one volume, or one grey or colour picture is read here",
            code="bundle_input_refused",
        )
    require_packages(folder.metadata)
    return ZooBundle(
        name=checked_name(wishes.name) if wishes.name else folder.name,
        version=folder.version,
        title=str(folder.metadata.get("name") or folder.metadata.get("task") or folder.name)[:200],
        task=_task(outputs),
        modalities=dicom_modalities(wishes.modality or str(inputs.get("modality", ""))),
        dimensions=dimensions,
        channels=channels,
        structures=_structures(outputs),
        weights=weights,
        weights_sha256=file_sha256(folder.folder / weights),
        digest=folder.digest,
        trust=wishes.trust,
        automatic=wishes.automatic,
    )


def takes_slices(model: ZooModel) -> bool:
    """Whether the inferer takes a volume apart into slices for a network of two dimensions."""
    return isinstance(model.inferer, SliceInferer)


def rehearse(model: ZooModel, folder: ZooFolder) -> None:
    """Run the network once without numbers: finds a package that only running needs, and channels without a name.

    Raises BundleRefused. A network that cannot run without numbers (PyTorch's meta device) is let pass.
    """
    inputs, outputs = _only(folder, "inputs"), _output(folder)
    shape = [size if isinstance(size, int) else _GUESSED_SIDE for size in inputs.get("spatial_shape", [])]
    network = deepcopy(model.network).to("meta")
    try:
        with torch.no_grad(), muted():
            answer = network(torch.empty((1, _number(inputs, "num_channels", 1), *shape), device="meta"))
    except ImportError as error:
        raise BundleRefused(
            f"the network needs a package: {first_line(error)}", code="bundle_package_missing"
        ) from error
    except (NotImplementedError, RuntimeError, TypeError, ValueError):
        return
    named = _number(outputs, "num_channels", 1)
    if isinstance(answer, torch.Tensor) and answer.shape[1] != named:
        raise BundleRefused(
            "the network gives another number of channels than metadata.json names",
            code="bundle_output_mismatch",
            given=int(answer.shape[1]),
            named=named,
        )


def require_packages(metadata: Mapping[str, Json]) -> None:
    """Raises BundleRefused naming the packages that the bundle requires and that are not installed, or older."""
    asked = metadata.get("required_packages_version")
    needed = {str(name): str(number) for name, number in asked.items()} if isinstance(asked, dict) else {}
    needed = {name: number for name, number in needed.items() if name.lower() not in _NOT_NEEDED}
    if isinstance(metadata.get("monai_version"), str):
        needed["monai"] = metadata["monai_version"]
    for name, number in sorted(needed.items()):
        try:
            installed = version(name)
        except PackageNotFoundError:
            raise BundleRefused(
                f"the bundle needs the package {name} {number}, which is not installed", code="bundle_package_missing"
            ) from None
        if name == "monai" and _release(number) > _release(installed):
            raise BundleRefused(
                f"the bundle needs MONAI {number}, installed is {installed}", code="bundle_package_missing"
            )


def _release(number: str) -> tuple[int, ...]:
    """Major and minor number: a bundle of 1.4.1 runs on 1.4.0."""
    return tuple(int(part) for part in re.findall(r"\d+", number)[:2])


def _only(folder: ZooFolder, side: str) -> Mapping[str, Json]:
    """The one input of network_data_format."""
    found = _side(folder, side)
    if len(found) != 1:
        raise BundleRefused(
            f"the bundle has {len(found)} {side} ({', '.join(sorted(found))}); one is served",
            code="bundle_input_refused",
        )
    return next(iter(found.values()))


def _output(folder: ZooFolder) -> Mapping[str, Json]:
    found = _side(folder, "outputs")
    return found[PREDICTION] if PREDICTION in found else _only(folder, "outputs")


def _side(folder: ZooFolder, side: str) -> dict[str, Mapping[str, Json]]:
    data = folder.metadata.get("network_data_format")
    found = data.get(side) if isinstance(data, dict) else None
    if not isinstance(found, dict) or not all(isinstance(value, dict) for value in found.values()):
        raise BundleRefused(f"metadata.json lacks network_data_format#{side}", code="bundle_key_missing")
    return found


def _number(values: Mapping[str, Json], key: str, default: int) -> int:
    value = values.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BundleRefused(f"metadata.json: {key} is no number of channels", code="bundle_key_refused")
    return value


def _dimensions(inputs: Mapping[str, Json]) -> int:
    shape = inputs.get("spatial_shape")
    if not isinstance(shape, list) or len(shape) not in (2, _VOLUME_DIMENSIONS):
        raise BundleRefused("metadata.json lacks a spatial_shape of 2 or 3 axes", code="bundle_key_missing")
    return len(shape)


def _task(outputs: Mapping[str, Json]) -> Task:
    words = {str(outputs.get(key, "")).strip().lower() for key in ("type", "format")}
    if "segmentation" in words:
        return Task.SEGMENTATION
    if words & _CLASS_WORDS:
        return Task.CLASSIFICATION
    if "image" in words:
        raise BundleRefused("the bundle makes images; segmentation, classification and regression are served")
    return Task.REGRESSION


def _structures(outputs: Mapping[str, Json]) -> dict[int, str]:
    named = outputs.get("channel_def")
    count = _number(outputs, "num_channels", 1)
    told = (
        {int(key): str(name)[:64] for key, name in named.items() if str(key).isdecimal()}
        if isinstance(named, dict)
        else {}
    )
    if not told:
        raise BundleRefused(
            "metadata.json lacks the output's channel_def: nothing says what was found", code="bundle_key_missing"
        )
    return {number: told.get(number, f"channel {number}") for number in range(max(count, max(told) + 1))}
