"""A trusted bundle's own code: MONAI's ConfigParser with all of Python, for the closed process alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from monai.bundle.config_parser import ConfigParser
from monai.inferers.inferer import Inferer
from monai.transforms.compose import Compose
from torch import nn

from pipelines.core.errors import BundleRefused, OutOfMemory, OverreadError
from pipelines.nets.zoo_check import takes_slices
from pipelines.nets.zoo_config import Json
from pipelines.nets.zoo_folder import (
    INFERENCE,
    REQUIRED,
    REQUIRED_FOR_SCRIPT,
    SCRIPT_SUFFIX,
    find_weights,
    read_configuration,
    require_keys,
)
from pipelines.nets.zoo_messages import Array, Header, packed, unpacked
from pipelines.nets.zoo_model import ZooModel, load_weights, one_image
from pipelines.nets.zoo_names import LOADERS, SAVERS, first_line, muted, plain_name
from pipelines.nets.zoo_run import LocalRunner, Placed

#: The largest message that the parent sends: a volume of two thousand slices.
_MOST_BYTES: Final = 4 * 512 * 512 * 2000
Answer = tuple[dict[str, object], list[Array]]


def build_trusted(folder: Path) -> ZooModel:
    """Everything the bundle runs, by MONAI's own parser; raises BundleRefused naming what is missing."""
    inference = read_configuration(next(folder / name for name in INFERENCE if (folder / name).is_file()))
    script = find_weights(folder, None)
    is_script = script.suffix == SCRIPT_SUFFIX or "network_def" not in inference
    require_keys(inference, REQUIRED_FOR_SCRIPT if is_script else REQUIRED)
    keys: list[str] = []
    parser = ConfigParser({**_without_files(inference, keys), "bundle_root": str(folder)})
    sys.path.insert(0, str(folder))
    try:
        with muted():
            return _built(parser, folder, script, is_script, [_key(parser, key) for key in keys])
    except OverreadError:
        raise
    except ModuleNotFoundError as error:
        raise BundleRefused(f"the bundle needs the package {error.name}", code="bundle_package_missing") from error
    except Exception as error:
        # Anything at all may come out of somebody else's code; its own words are of use to whoever adds it.
        said = first_line(error.__cause__ or error)
        raise BundleRefused(f"the bundle's code fails ({type(error).__name__}: {said})") from error


def _built(parser: ConfigParser, folder: Path, weights: Path, is_script: bool, keys: list[str]) -> ZooModel:
    network = (
        torch.jit.load(str(weights), map_location="cpu")  # type: ignore[no-untyped-call]
        if is_script
        else parser.get_parsed_content("network_def")
    )
    parts = {name: parser.get_parsed_content(name) for name in REQUIRED_FOR_SCRIPT}
    for name, value, kind in (
        ("network_def", network, nn.Module),
        ("preprocessing", parts["preprocessing"], Compose),
        ("inferer", parts["inferer"], Inferer),
        ("postprocessing", parts["postprocessing"], Compose),
    ):
        if not isinstance(value, kind):
            raise BundleRefused(f"{name} is no {kind.__name__}", code="bundle_key_refused")
    if not is_script:
        load_weights(network, weights, "model")
    for parameter in network.parameters():  # a script knows no requires_grad_ of its own
        parameter.requires_grad_(False)
    return ZooModel(
        network=network.eval(),
        preprocessing=parts["preprocessing"],
        inferer=parts["inferer"],
        postprocessing=parts["postprocessing"],
        image=one_image(keys),
        weights=weights,
    )


def _without_files(raw: Json, keys: list[str]) -> Json:
    """The configuration without steps that load or save files; `keys` collects what the loaders would have loaded."""
    if isinstance(raw, list):
        kept = []
        for item in raw:
            name = plain_name(str(item.get("_target_", ""))) if isinstance(item, dict) else ""
            if name in LOADERS:
                named = item.get("keys", [])
                keys.extend([named] if isinstance(named, str) else named)
            elif name not in SAVERS:
                kept.append(_without_files(item, keys))
        return kept
    if isinstance(raw, dict):
        return {key: _without_files(value, keys) for key, value in raw.items()}
    return raw


def _key(parser: ConfigParser, key: str) -> str:
    return str(parser.get_parsed_content(key[1:])) if key.startswith("@") else key


@dataclass(frozen=True, slots=True)
class _Desk:
    """The calls that the parent may make, by name."""

    runner: LocalRunner

    def answer(self, header: Header, arrays: list[Array]) -> Answer:
        """One call."""
        calls: dict[str, Callable[[Header, list[Array]], Answer]] = {
            "prepare": self._prepare,
            "infer": self._infer,
            "explain": self._explain,
            "finish": self._finish,
            "forget": self._forget,
        }
        return calls[header["call"]](header, arrays)

    def _prepare(self, header: Header, arrays: list[Array]) -> Answer:
        affine = np.asarray(header["affine"], np.float64)
        # A copy: what came in a message cannot be written to, and transforms may work in place.
        return {"shape": self.runner.prepare(header["number"], arrays[0].copy(), affine)}, []

    def _infer(self, header: Header, arrays: list[Array]) -> Answer:
        made = self.runner.infer(header["number"])
        told, body = _placed(made.uncertainty)
        facts = {"probabilities": made.probabilities, "confidence": made.confidence, "exclusive": made.exclusive}
        return {**facts, **told}, body

    def _explain(self, header: Header, arrays: list[Array]) -> Answer:
        shown = self.runner.explain(header["number"])
        if shown is None:
            return {}, []
        return {"layer": shown.layer, "channel": shown.channel, "inside": shown.inside}, [shown.heat]

    def _finish(self, header: Header, arrays: list[Array]) -> Answer:
        return _placed(self.runner.finish(header["number"]))

    def _forget(self, header: Header, arrays: list[Array]) -> Answer:
        self.runner.forget()
        return {}, []


def _placed(made: Placed | None) -> Answer:
    if made is None:
        return {"affine": None}, []
    return {"affine": made.affine.tolist() if made.affine is not None else None}, [made.array]


def serve(folder: Path, answers: int) -> None:
    """Load the bundle, say what it is, and answer calls on standard input until it closes."""

    def send(header: dict[str, object], arrays: list[Array]) -> None:
        with os.fdopen(os.dup(answers), "wb") as pipe:
            pipe.write(packed(header, arrays))

    try:
        model = build_trusted(folder)
        desk = _Desk(LocalRunner(model, torch.device("cpu")))
        weights = model.weights.relative_to(folder).as_posix()
    except OverreadError as error:
        send(_refusal(error), [])
        return
    send({"weights": weights, "takes_slices": takes_slices(model)}, [])
    with suppress(EOFError):
        while True:
            header, arrays = unpacked(_read, _MOST_BYTES)
            send(*_answered(desk, header, arrays))


def _answered(desk: _Desk, header: Header, arrays: list[Array]) -> Answer:
    try:
        return desk.answer(header, arrays)
    except OverreadError as error:
        return _refusal(error), []
    except MemoryError:
        return _refusal(OutOfMemory()), []


def _refusal(error: OverreadError) -> dict[str, object]:
    return {"error": type(error).__name__, "code": error.code, "detail": error.sentence}


def _read(count: int) -> bytes:
    data = sys.stdin.buffer.read(count)
    if len(data) != count:
        raise EOFError
    return data
