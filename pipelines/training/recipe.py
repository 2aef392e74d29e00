"""Everything that decides a training run, read from the bundle's configs/train.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipelines.training.augment import Augmentation
from pipelines.training.loss import LossWeights


@dataclass(frozen=True, slots=True)
class Phase:
    """`epochs` at `size` px with the backbone's first `frozen` parts held at their ImageNet weights."""

    epochs: int
    size: int
    frozen: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run; the last phase's size is what inference reads, and only its epochs may become the checkpoint."""

    backbone: str = "efficientnet_lite0"
    seed: int = 2026
    folds: int = 5
    batch: int = 8
    source_size: int = 512  # px of the cached square that augmentation draws from
    phases: tuple[Phase, ...] = (Phase(2, 352, 6), Phase(10, 352, 3), Phase(10, 448, 3))
    body_rate: float = 4e-4
    head_rate: float = 1.5e-3
    warmup: float = 0.05  # share of the steps
    weight_decay: float = 0.02
    dropout: float = 0.3
    average: float = 0.98  # decay a step of the moving average of the weights
    patience: int = 6  # epochs without a better validation kappa
    gradient_norm: float = 5.0
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    augmentation: Augmentation = field(default_factory=Augmentation)
    loss: LossWeights = field(default_factory=LossWeights)

    @property
    def epochs(self) -> int:
        """All phases together."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def size(self) -> int:
        """Side of the square that the finished network reads, in px."""
        return self.phases[-1].size

    def phase(self, epoch: int) -> Phase:
        """The phase that `epoch` (from 0) belongs to."""
        for phase in self.phases:
            if epoch < phase.epochs:
                return phase
            epoch -= phase.epochs
        return self.phases[-1]


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write as JSON, keys in the order of the class."""
    path.write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")


def read_recipe(path: Path) -> Recipe:
    """Read what `write_recipe` wrote; unknown keys raise TypeError, since a misspelt setting must not be ignored."""
    given = json.loads(path.read_text(encoding="utf-8"))
    given["phases"] = tuple(Phase(**phase) for phase in given["phases"])
    given["augmentation"] = Augmentation(**{name: as_range(value) for name, value in given["augmentation"].items()})
    given["loss"] = LossWeights(**given["loss"])
    return Recipe(**{name: as_range(value) for name, value in given.items()})


def as_range(value: Any) -> Any:  # JSON has any type
    """A JSON list as the tuple it was."""
    return tuple(value) if isinstance(value, list) else value
