"""Out-of-fold predictions: every photograph judged by the one network that did not see its eye."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.imaging.fundus import Picture, normalise
from pipelines.nets.backbones import Grader, grader
from pipelines.nets.calibration import Calibration, Grades, Logits, Probabilities
from pipelines.nets.grading import OUTPUTS
from pipelines.nets.precision import Engine, OpenVinoEngine, TorchEngine
from pipelines.training.photographs import Photographs
from pipelines.training.recipe import Recipe

Fitter = Callable[[Logits, Grades], Calibration]


@dataclass(frozen=True, slots=True)
class Predictions:
    """Logits (n, 8) upright and mirrored, with grade, DME risk and fold (n,)."""

    upright: Logits
    mirrored: Logits
    grade: Grades
    dme_risk: Grades
    fold: Grades

    @property
    def flip_averaged(self) -> Logits:
        """Mean of upright and mirrored: test-time augmentation."""
        return np.asarray((self.upright + self.mirrored) / 2, np.float32)


def stored_weights(folder: Path, checkpoint: str) -> dict[str, Tensor]:
    """A fold's averaged weights as the bundle stores them: float16, counters left out."""
    state = torch.load(folder / f"{checkpoint}.pt", map_location="cpu", weights_only=True)
    return {name: value.half() for name, value in state.items() if value.is_floating_point()}


def fold_network(recipe: Recipe, folder: Path, checkpoint: str) -> Grader:
    """One fold's network with the weights rounded as they are stored, so that figures belong to what is shipped."""
    network = grader(recipe.backbone, 1, OUTPUTS)
    rounded = {name: value.float() for name, value in stored_weights(folder, checkpoint).items()}
    network.load_state_dict(rounded, strict=False)
    return network.eval().requires_grad_(False)


def predict_out_of_fold(recipe: Recipe, out: Path, checkpoint: str, photographs: Photographs) -> Predictions:
    """Predict each fold's photographs with that fold's `checkpoint` ("best" or "last") below `out`.

    By the engine that serves on this machine, so that the figures are those of the product.
    """
    upright = np.zeros((len(photographs), OUTPUTS), np.float32)
    mirrored = np.zeros_like(upright)
    for number in np.unique(photographs.fold):
        network = fold_network(recipe, out / f"fold{number}", checkpoint)
        engine = TorchEngine(network, "cuda") if torch.cuda.is_available() else OpenVinoEngine(network, recipe.size)
        rows = photographs.fold == number
        squares = photographs.squares[rows]
        upright[rows] = answers(engine, squares, recipe)
        mirrored[rows] = answers(engine, np.ascontiguousarray(squares[:, :, ::-1]), recipe)
    return Predictions(upright, mirrored, photographs.grade, photographs.dme_risk, photographs.fold)


def answers(engine: Engine, squares: Picture, recipe: Recipe) -> Logits:
    """(n, size, size, 3) uint8 -> (n, 8) float32 logits, one photograph at a time as in service."""
    images = (normalise(square, recipe.mean, recipe.std)[None] for square in squares)
    return np.concatenate([engine.run(image).logits for image in images])


def cross_fitted(logits: Logits, truth: Grades, fold: Grades, fitter: Fitter) -> Probabilities:
    """Probabilities (n, classes) of each fold calibrated on the other folds: what calibration is worth on new eyes."""
    answer = np.zeros(logits.shape, np.float64)
    for number in np.unique(fold):
        held_out: NDArray[np.bool_] = fold == number
        answer[held_out] = fitter(logits[~held_out], truth[~held_out]).probabilities(logits[held_out])
    return answer
