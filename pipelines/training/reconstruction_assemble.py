"""Turn a run's averaged weights into the bundle: weights, fitted parameters, figures; the card is written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from pipelines.core.bundle_files import CARD, INFERENCE, METADATA, WEIGHTS, file_sha256
from pipelines.core.figures import Figure
from pipelines.nets.learned import NETWORK
from pipelines.training.assemble import FIGURES_BEGIN, FIGURES_END, write_json
from pipelines.training.reconstruction_fit import AVERAGED
from pipelines.training.reconstruction_recipe import ReconstructionRecipe, write_recipe

SLAB_SLICES = 5  # the deepest slab that training saw
VIEWS = ("plain", "conjugated", "mirrored")
WINDOW = 5  # px: a spread of three views is averaged over it


def write_weights(out: Path, bundle: Path) -> None:
    """Write the averaged weights of the run in `out`, float16, and pin their sha256 in the bundle's metadata.json."""
    averaged = torch.load(out / AVERAGED, map_location="cpu", weights_only=True)
    path = bundle / WEIGHTS
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in averaged.items()}, path)
    path.chmod(0o644)  # safetensors leaves it to the owner alone
    amend(bundle, weights_sha256=file_sha256(path))


def write_parameters(recipe: ReconstructionRecipe, bundle: Path, weights: Mapping[str, float], scale: float) -> None:
    """Write configs/inference.json and configs/train.json.

    `weights` of the classical methods by name; `scale` from the spread of the views to the error that is expected.
    """
    definition = {
        "_target_": NETWORK,
        "cascades": recipe.cascades,
        "channels": list(recipe.channels),
    }
    parameters = {
        "network_def": definition,
        "slab_slices": SLAB_SLICES,
        "views": list(VIEWS),
        "uncertainty": {"window": WINDOW, "scale": round(scale, 4)},
        "sense": {"weight": weights["sense"]},
        "compressed_sensing": {"weight": weights["compressed_sensing"]},
    }
    write_json(parameters, bundle / INFERENCE)
    write_recipe(recipe, bundle / "configs/train.json")


def write_figures(bundle: Path, figures: Mapping[str, Figure]) -> None:
    """Write the figures into metadata.json and between the card's two marks: they cannot disagree."""
    measured = {name: {key: round(v, 4) for key, v in asdict(figure).items()} for name, figure in figures.items()}
    amend(bundle, eval_metrics=measured)
    card = bundle / CARD
    before, _, rest = card.read_text(encoding="utf-8").partition(FIGURES_BEGIN)
    _, _, after = rest.partition(FIGURES_END)
    lines = ["| figure | value | 95 % interval |", "| --- | --- | --- |"]
    lines += [
        f"| {name.replace('_', ' ')} | {one['value']:.4g} | {one['low']:.4g} to {one['high']:.4g} |"
        for name, one in measured.items()
    ]
    tables = "\n".join(lines)
    card.write_text(f"{before}{FIGURES_BEGIN}\n{tables}\n{FIGURES_END}{after}", encoding="utf-8")


def amend(bundle: Path, **facts: Any) -> None:  # JSON has any type
    """Change single entries of the bundle's metadata.json."""
    metadata = json.loads((bundle / METADATA).read_text(encoding="utf-8"))
    write_json(metadata | facts, bundle / METADATA)
