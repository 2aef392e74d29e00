"""Everything that decides the training of the hippocampus segmenter, read from the bundle's configs/train.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipelines.training.hippocampus_augment import Augmentation

Filters = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One network of the ensemble: its seed and how long it trains."""

    seed: int
    epochs: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run; `held_out` training cases are seen by no member and fit what comes after the networks."""

    members: tuple[Member, ...] = (Member(2026, 30), Member(2027, 24))
    split_seed: int = 2026
    held_out: int = 20
    filters: Filters = (24, 48, 96, 160)
    patch: tuple[int, int, int] = (40, 56, 40)  # voxels of 1 mm, x to the right, y to the front, z up
    deep_supervision: tuple[float, ...] = (1.0, 0.5, 0.25)  # weights from the finest head to the coarsest
    batch: int = 2
    rate: float = 1.5e-3
    warmup: float = 0.03  # share of the steps
    weight_decay: float = 0.02
    average: float = 0.998  # decay a step of the moving average of the weights
    gradient_norm: float = 2.0
    low_percentile: float = 0.5
    high_percentile: float = 99.5
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def step(self) -> int:
        """Voxels that a window's sides are multiples of: the network halves once less than it has levels."""
        return int(2 ** (len(self.filters) - 1))


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write as JSON, keys in the order of the class."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")


def read_recipe(path: Path) -> Recipe:
    """Read what `write_recipe` wrote; unknown keys raise TypeError, since a misspelt setting must not be ignored."""
    given = json.loads(path.read_text(encoding="utf-8"))
    given["members"] = tuple(Member(**member) for member in given["members"])
    given["augmentation"] = Augmentation(**{name: as_tuple(value) for name, value in given["augmentation"].items()})
    return Recipe(**{name: as_tuple(value) for name, value in given.items()})


def as_tuple(value: Any) -> Any:  # JSON has any type
    """A JSON list as the tuple it was."""
    return tuple(value) if isinstance(value, list) else value
