"""How good a segmentation probably is, from how sure and how much of one mind the views and members were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QualityRule:
    """Dice predicted as `intercept + slope * raw`, within 0-1; below `threshold` a person has to look."""

    slope: float
    intercept: float
    threshold: float

    def predicted(self, raw: float) -> float:
        """The Dice to be expected for a raw figure of `self_agreement`; 0 where nothing was found at all."""
        return float(np.clip(self.intercept + self.slope * raw, 0.0, 1.0)) if raw > 0 else 0.0


def expected_dice(
    probabilities: Probabilities, structures: Mapping[str, int], rule: QualityRule
) -> Mapping[str, float]:
    """(views, classes, x, y, z) -> for each structure the Dice to be expected against a careful human, 0-1."""
    return {name: rule.predicted(raw) for name, raw in self_agreement(probabilities, structures).items()}


def self_agreement(probabilities: Probabilities, structures: Mapping[str, int]) -> Mapping[str, float]:
    """(views, classes, x, y, z) float32 -> for each structure a figure in 0-1, higher where the answer is surer.

    The mean of two: the Dice that the mean probabilities themselves expect of their own outline (soft Dice; 1 where no
    voxel is in doubt), and the mean Dice of each view's outline with the joint one (Roy et al., NeuroImage
    2019;195:11-22, use the latter on Monte Carlo samples).
    """
    mean = probabilities.mean(axis=0)
    joint = mean.argmax(axis=0)
    views = probabilities.argmax(axis=1)
    return {
        name: (_soft_dice(mean[label], joint == label) + _mean_dice(views == label, joint == label)) / 2
        for name, label in structures.items()
    }


def _soft_dice(probability: Probabilities, outline: NDArray[np.bool_]) -> float:
    total = float(probability.sum()) + float(outline.sum())
    return 2 * float(probability[outline].sum()) / total if outline.any() else 0.0


def _mean_dice(views: NDArray[np.bool_], joint: NDArray[np.bool_]) -> float:
    if not joint.any():
        return 0.0
    shared = (views & joint).sum(axis=(1, 2, 3))
    return float(np.mean(2 * shared / (views.sum(axis=(1, 2, 3)) + joint.sum())))
