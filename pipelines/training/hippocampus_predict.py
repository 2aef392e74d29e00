"""What finished networks say about a crop, by the functions of the pipeline: normalise, windows, mirrored views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.nets.ladder import Rung
from pipelines.nets.segmentation_quality import self_agreement
from pipelines.nets.segmenter import SegmentationModel
from pipelines.nets.sliding import Tiling
from pipelines.nets.views import all_views, window_over
from pipelines.nets.volume_engine import VolumeEngine
from pipelines.training.hippocampus_cases import Labels, Volume
from pipelines.training.hippocampus_recipe import Recipe


@dataclass(frozen=True, slots=True)
class Answer:
    """(x, y, z) labels found, and by structure how much the views agree."""

    labels: Labels
    agreement: Mapping[str, float]


def answer(image: Volume, engine: VolumeEngine, model: SegmentationModel, recipe: Recipe) -> Answer:
    """Segment one crop, (x, y, z) in any units, as the pipeline does, before its rules on parts and borders."""
    views = views_of(image, engine, model, recipe)
    labels = np.asarray(views.mean(axis=0).argmax(axis=0), np.uint8)
    return Answer(labels, self_agreement(views, model.structures))


def views_of(image: Volume, engine: VolumeEngine, model: SegmentationModel, recipe: Recipe) -> NDArray[np.float32]:
    """(x, y, z) in any units -> (views, classes, x, y, z) probabilities."""
    normalised = model.normalisation.apply(image, np.ones(image.shape, bool))
    whole = (normalised.shape[0], normalised.shape[1], normalised.shape[2])
    window = window_over(whole, Rung(model.patch, 1, engine.device), recipe.step)
    return all_views(normalised, engine, model.mirrors, Tiling(window, model.overlap, 1))


def dice(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Dice coefficient of two outlines; 1 where both are empty."""
    total = int(found.sum()) + int(true.sum())
    return 2 * int((found & true).sum()) / total if total else 1.0


def dice_by_structure(found: Labels, true: Labels, structures: Mapping[str, int]) -> dict[str, float]:
    """Dice coefficient of each structure."""
    return {name: dice(found == label, true == label) for name, label in structures.items()}
