"""Everything that decides the training of the hippocampus segmenter, read from the bundle's configs/train.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from pipelines.training.hippocampus_augment import Augmentation

Filters = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One network of the ensemble: its seed and how long it trains."""

    seed: int
    epochs: int


#: Views close to the crops as they are, for the last part of the training.
NEAR: Final = Augmentation(
    shift=2.0,
    placed_share=0.35,
    angle=12.0,
    scale=(0.88, 1.14),
    stretch=(0.96, 1.04),
    elastic_share=0.25,
    elastic=1.5,
    gamma_share=0.3,
    gamma=(0.75, 1.35),
    curve_share=0.15,
    bias_share=0.2,
    bias=0.25,
    blur_share=0.1,
    blur=(0.4, 0.8),
    coarse_share=0.08,
    coarse=(1.2, 2.0),
    noise_share=0.2,
    noise=(0.0, 0.05),
    surroundings_share=0.15,
    border_share=0.1,
    texture_share=0.05,
)


@dataclass(frozen=True, slots=True)
class Settling:
    """The second part of a member's training: from its averaged weights, on milder views, at a rate of its own."""

    epochs: int = 16
    rate: float = 8e-4
    augmentation: Augmentation = NEAR


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
    settling: Settling = field(default_factory=Settling)

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
    given["augmentation"] = read_augmentation(given["augmentation"])
    given["settling"]["augmentation"] = read_augmentation(given["settling"]["augmentation"])
    given["settling"] = Settling(**given["settling"])
    return Recipe(**{name: as_tuple(value) for name, value in given.items()})


def read_augmentation(given: dict[str, Any]) -> Augmentation:
    """The ranges from their JSON object."""
    return Augmentation(**{name: as_tuple(value) for name, value in given.items()})


def as_tuple(value: Any) -> Any:  # JSON has any type
    """A JSON list as the tuple it was."""
    return tuple(value) if isinstance(value, list) else value
