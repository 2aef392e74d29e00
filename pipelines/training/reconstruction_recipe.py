"""Everything that decides a training run of the reconstruction network, read from the bundle's configs/train.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipelines.training.kspace_simulation import Simulation
from pipelines.training.recipe import as_range


@dataclass(frozen=True, slots=True)
class ReconstructionRecipe:
    """A whole run; a step is one simulated slab."""

    volumes: tuple[str, ...] = ("philips_mprage_T1w.nii.gz", "studyforrest_sub02_T1w_274x384x384.nii.gz")
    seed: int = 2026
    steps: int = 4400
    cascades: int = 8
    channels: tuple[int, ...] = (32, 64, 96)
    rate: float = 9e-4
    warmup: int = 200  # steps
    cooling: float = 0.3  # the last share of the steps, in which the rate falls to zero along half a cosine
    betas: tuple[float, float] = (0.9, 0.99)
    gradient_norm: float = 0.5
    average: float = 0.995  # decay a step of the moving average of the weights
    absolute_weight: float = 3.0  # of the mean absolute error beside one minus SSIM
    checkpoint: int = 100  # steps
    simulation: Simulation = field(default_factory=Simulation)


def write_recipe(recipe: ReconstructionRecipe, path: Path) -> None:
    """Write as JSON, keys in the order of the class."""
    path.write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")


def read_recipe(path: Path) -> ReconstructionRecipe:
    """Read what `write_recipe` wrote; unknown keys raise TypeError, since a misspelt setting must not be ignored."""
    given = json.loads(path.read_text(encoding="utf-8"))
    given["simulation"] = Simulation(**{name: as_range(value) for name, value in given["simulation"].items()})
    return ReconstructionRecipe(**{name: as_range(value) for name, value in given.items()})
