"""A MONAI bundle as live objects, its network with its weights: built from an interpreted configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from pickle import UnpicklingError
from typing import Any, Final

import torch
from monai.inferers.inferer import Inferer
from monai.transforms.compose import Compose
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipelines.core.errors import BundleRefused
from pipelines.nets.zoo_config import Interpreter, Json
from pipelines.nets.zoo_folder import REQUIRED, SCRIPT_SUFFIX, ZooFolder, find_weights, refuse_packed, require_keys
from pipelines.nets.zoo_names import muted

#: The key under which evaluators keep the network's answer. Source: monai.utils.CommonKeys.PRED
PREDICTION: Final = "pred"
_DEFAULT_IMAGE: Final = "image"


@dataclass(frozen=True, slots=True, eq=False)
class ZooModel:
    """What a bundle runs: transforms over a dict whose `image` key holds the input and whose "pred" the answer."""

    network: nn.Module
    preprocessing: Compose
    inferer: Inferer
    postprocessing: Compose
    image: str
    weights: Path


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which file the configuration loads its network from, and under which key in it."""

    file: str | None
    key: str | None


def build(folder: ZooFolder) -> ZooModel:
    """Everything an untrusted bundle runs, with its weights; the global random state is left as it was.

    Raises BundleRefused naming what is missing or not run.
    """
    require_keys(folder.inference, REQUIRED)
    interpreter = Interpreter(folder.inference)
    weights = find_weights(folder.folder, checkpoint(interpreter, folder.inference).file)
    if weights.suffix == SCRIPT_SUFFIX:
        raise BundleRefused(
            f"{weights.name} is TorchScript, which is code: it needs --trust", code="bundle_needs_trust"
        )
    with torch.random.fork_rng(devices=[]):
        network = _instance(interpreter, "network_def", nn.Module)
    load_weights(network, weights, checkpoint(interpreter, folder.inference).key)
    return ZooModel(
        network=network.eval().requires_grad_(False),
        preprocessing=_instance(interpreter, "preprocessing", Compose),
        inferer=_instance(interpreter, "inferer", Inferer),
        postprocessing=_instance(interpreter, "postprocessing", Compose),
        image=one_image(interpreter.loaded),
        weights=weights,
    )


def _instance(interpreter: Interpreter, identity: str, kind: type) -> Any:  # Any: an object of `kind`, a MONAI class
    value = interpreter.value(identity)
    if not isinstance(value, kind):
        raise BundleRefused(f"{identity} is no {kind.__name__}", code="bundle_key_refused")
    return value


def one_image(keys: list[str]) -> str:
    """The key of the one image a bundle reads; raises BundleRefused where it reads several."""
    found = list(dict.fromkeys(keys)) or [_DEFAULT_IMAGE]
    if len(found) > 1:
        raise BundleRefused(
            f"the bundle reads several images at once ({', '.join(found)}); one series is read here",
            code="bundle_input_refused",
        )
    return found[0]


def checkpoint(interpreter: Interpreter, inference: Mapping[str, Json]) -> Checkpoint:
    """What the configuration's CheckpointLoader says; empty where there is none or its path cannot be understood."""
    for identity, loader in _loaders(inference, "", 0):
        held = loader.get("load_dict")
        key = next(iter(held), None) if isinstance(held, dict) else None
        try:
            path = interpreter.value(f"{identity}#load_path")
        except BundleRefused:
            path = None
        return Checkpoint(PurePosixPath(path).name if isinstance(path, str) else None, key)
    return Checkpoint(None, None)


def _loaders(raw: Json, identity: str, depth: int) -> Iterator[tuple[str, dict[str, Json]]]:
    """Every CheckpointLoader near the top of a configuration, with its id."""
    if isinstance(raw, dict) and str(raw.get("_target_", "")).rpartition(".")[2] == "CheckpointLoader":
        yield identity, raw
        return
    if depth > 2:
        return
    children = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for key, child in children:
        yield from _loaders(child, f"{identity}#{key}" if identity else str(key), depth + 1)


def load_weights(network: nn.Module, path: Path, key: str | None) -> None:
    """Put a file of tensors into the network; anything but tensors in it is refused. Raises BundleRefused."""
    state = _state(path)
    # What MONAI's CheckpointLoader does: a file of the network alone stands for the one network it loads.
    held = state.get(key) if key is not None else None
    tensors = held if isinstance(held, Mapping) else state
    if not all(isinstance(value, Tensor) for value in tensors.values()):
        raise BundleRefused("the weights file holds more than one network's weights", code="bundle_weights_refused")
    wanted = network.state_dict()
    missing, unknown = sorted(set(wanted) - set(tensors)), sorted(set(tensors) - set(wanted))
    misshapen = [name for name in wanted if name in tensors and wanted[name].shape != tensors[name].shape]
    if missing or unknown or misshapen:
        first = (missing or unknown or misshapen)[0]
        raise BundleRefused(
            f"the weights do not fit the network, first at {first[:80]}",
            code="bundle_weights_refused",
            missing=len(missing),
            unknown=len(unknown),
            of_another_shape=len(misshapen),
        )
    network.load_state_dict(tensors)


def _state(path: Path) -> Mapping[str, Any]:  # Any: tensors, or what a checkpoint keeps beside them
    refuse_packed(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with muted():
            state = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise BundleRefused(
            "the weights file holds objects beside tensors, which are not loaded", code="bundle_weights_refused"
        ) from error
    except (EOFError, KeyError, OSError, RuntimeError, SafetensorError, TypeError, ValueError) as error:
        raise BundleRefused("the weights file cannot be read", code="bundle_weights_refused") from error
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise BundleRefused("the weights file holds no weights by name", code="bundle_weights_refused")
    return state
