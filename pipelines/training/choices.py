"""What each choice in the bundle is worth, measured out of fold and cross-fitted, for the model card's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.core.figures import area_under_curve, quadratic_kappa
from pipelines.nets.calibration import (
    Logits,
    Probabilities,
    expected_calibration_error,
    fit_cut_points,
    fit_temperature,
    fit_temperature_and_bias,
)
from pipelines.nets.grading import GRADES, REFERABLE_FROM
from pipelines.training.predictions import Fitter, Predictions, cross_fitted


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to do it: figures of all photographs, parameters fitted on the folds that a photograph is not in."""

    name: str
    quadratic_kappa: float
    accuracy: float
    referable_auc: float
    ece: float
    log_loss: float


def choices(predictions: Predictions, checkpoint: str) -> Iterator[Choice]:
    """Upright or with the mirrored view, temperature with or without bias, most probable grade or cut points."""
    views = (("upright", predictions.upright), ("mirrored too", predictions.flip_averaged))
    fitters: tuple[tuple[str, Fitter], ...] = (
        ("temperature", fit_temperature),
        ("temperature and bias", fit_temperature_and_bias),
    )
    for view, logits in views:
        for fitter_name, fitter in fitters:
            name = f"{checkpoint}, {view}, {fitter_name}"
            probabilities = cross_fitted(logits[:, :GRADES], predictions.grade, predictions.fold, fitter)
            yield scored(f"{name}, most probable", predictions, probabilities, probabilities.argmax(axis=1))
            yield scored(f"{name}, cut points", predictions, probabilities, by_cut_points(predictions, logits, fitter))


def by_cut_points(predictions: Predictions, logits: Logits, fitter: Fitter) -> np.ndarray:
    """(n,) grades by cut points; calibration and cut points of each fold are fitted on the others."""
    answer = np.zeros(len(logits), np.int64)
    for number in np.unique(predictions.fold):
        here = predictions.fold == number
        calibration = fitter(logits[~here, :GRADES], predictions.grade[~here])
        cuts = fit_cut_points(calibration.probabilities(logits[~here, :GRADES]), predictions.grade[~here])
        answer[here] = cuts.grades(calibration.probabilities(logits[here, :GRADES]))
    return answer


def scored(name: str, predictions: Predictions, probabilities: Probabilities, grades: np.ndarray) -> Choice:
    """The figures of one way."""
    truth = predictions.grade
    referable = probabilities[:, REFERABLE_FROM:].sum(axis=1)
    return Choice(
        name=name,
        quadratic_kappa=quadratic_kappa(truth, grades, GRADES),
        accuracy=float((grades == truth).mean()),
        referable_auc=area_under_curve(truth >= REFERABLE_FROM, referable),
        ece=expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth),
        log_loss=float(-np.log(probabilities[np.arange(len(truth)), truth]).mean()),
    )
