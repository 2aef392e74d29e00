"""What held-out training cases, as they are and made worse, say about the answers: predicted quality, volume errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from pipelines.nets.segmentation_quality import QualityRule
from pipelines.nets.segmenter import SegmentationModel
from pipelines.nets.volume_engine import VolumeEngine
from pipelines.training.hippocampus_cases import Case, Labels
from pipelines.training.hippocampus_degrade import DEGRADATIONS
from pipelines.training.hippocampus_predict import answer, dice_by_structure
from pipelines.training.hippocampus_recipe import Recipe

UNCHANGED = "unchanged"
WHOLE = "hippocampus"  # both structures together, as the findings name it
COVERAGE = 0.95  # of the true volumes lie in the intervals
GOOD_DICE = 0.8  # a structure outlined worse than this is not worth measuring
KEPT = 0.95  # of the good outlines are not sent to a person
OFFSET_BOUND = 3.0  # logits


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer beside the truth: `kind` is how the crop was made worse; `errors` are relative, of the volumes."""

    case: int
    kind: str
    dice: Mapping[str, float]
    agreement: Mapping[str, float]
    errors: Mapping[str, float]

    @property
    def worst_dice(self) -> float:
        """Of the structure that is outlined worst."""
        return min(self.dice.values())


def judge(
    cases: Sequence[Case], kinds_a_case: int, engine: VolumeEngine, model: SegmentationModel, recipe: Recipe
) -> list[Judged]:
    """Every case as it is, and in `kinds_a_case` worse versions, the kinds taken in turn; seeded by the recipe."""
    names, judged = list(DEGRADATIONS), []
    for number, case in enumerate(cases):
        random = np.random.default_rng([recipe.split_seed, number])
        worse = [names[(number * kinds_a_case + step) % len(names)] for step in range(kinds_a_case)]
        versions = [(UNCHANGED, case), *((name, DEGRADATIONS[name](case, random)) for name in worse)]
        for kind, version in versions:
            found = answer(version.image, engine, model, recipe)
            scores = dice_by_structure(found.labels, version.labels, model.structures)
            errors = volume_errors(found.labels, version.labels, model.structures)
            judged.append(Judged(number, kind, scores, found.agreement, errors))
    return judged


def volume_errors(found: Labels, true: Labels, structures: Mapping[str, int]) -> dict[str, float]:
    """Relative errors of the volumes, of each structure and of both together; 0.1 is a tenth too much."""
    masks = {name: (found == label, true == label) for name, label in structures.items()}
    masks[WHOLE] = (found > 0, true > 0)
    return {name: float(ours.sum()) / max(1, int(theirs.sum())) - 1 for name, (ours, theirs) in masks.items()}


def error_intervals(judged: Sequence[Judged]) -> dict[str, tuple[float, float]]:
    """By structure, where the relative error of the next volume lies: a prediction interval under Student's t.

    From unchanged cases only (Geisser 1993, section 2.1): mean +- t * s * sqrt(1 + 1/n).
    """
    plain = unchanged(judged)
    return {name: prediction_interval(np.array([each.errors[name] for each in plain])) for name in plain[0].errors}


def unchanged(judged: Sequence[Judged]) -> list[Judged]:
    """The cases as they are."""
    return [each for each in judged if each.kind == UNCHANGED]


def prediction_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """(n,) -> the interval that holds the next value with probability COVERAGE, if they are normal."""
    reach = stats.t.ppf((1 + COVERAGE) / 2, len(values) - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / len(values))
    return round(float(values.mean() - reach), 4), round(float(values.mean() + reach), 4)


def fit_quality(judged: Sequence[Judged]) -> QualityRule:
    """The line from agreement to Dice with the least mean absolute error, and the threshold that finds bad outlines.

    The threshold is the highest predicted Dice that keeps KEPT of the outlines whose worst structure is good, so that
    it is set by what may be asked of a person, not by how many bad ones there happened to be.
    """
    agreement, scores = (np.array(column) for column in zip(*pairs(judged), strict=True))
    start = np.polyfit(agreement, scores, 1)
    slope, intercept = optimize.minimize(line_error, start, (agreement, scores), method="Nelder-Mead").x
    rule = QualityRule(round(float(slope), 4), round(float(intercept), 4), 0.0)
    good = [score(each, rule) for each in judged if each.worst_dice >= GOOD_DICE]
    return replace(rule, threshold=float(np.floor(np.quantile(good, 1 - KEPT) * 1e3) / 1e3))


def line_error(line: NDArray[np.float64], agreement: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Mean absolute error of a line whose values stay within 0-1."""
    return float(np.abs(np.clip(np.polyval(line, agreement), 0, 1) - scores).mean())


def pairs(judged: Sequence[Judged]) -> list[tuple[float, float]]:
    """Agreement and Dice of every structure of every answer."""
    return [(each.agreement[name], each.dice[name]) for each in judged for name in each.dice]


def score(judged: Judged, rule: QualityRule) -> float:
    """What the pipeline gives as the quality of an outline: the lowest predicted Dice of its structures."""
    return min(rule.predicted(agreement) for agreement in judged.agreement.values())


def background_offset(views: Sequence[NDArray[np.float32]], labels: Sequence[Labels]) -> float:
    """What to add to the logit of the background so that the mean volume error of these cases is zero.

    `views` are (views, classes, x, y, z) probabilities of each case, `labels` (x, y, z) the truth.
    """

    def mean_error(offset: float) -> float:
        found = [shifted(each, offset).mean(axis=0).argmax(axis=0) for each in views]
        return float(
            np.mean([(ours > 0).sum() / (theirs > 0).sum() - 1 for ours, theirs in zip(found, labels, strict=True)])
        )

    return round(float(optimize.brentq(mean_error, -OFFSET_BOUND, OFFSET_BOUND, xtol=1e-3)), 3)


def shifted(views: NDArray[np.float32], offset: float) -> NDArray[np.float32]:
    """The probabilities after `offset` is added to the logit of class 0."""
    background = views[:, :1] * np.float32(np.exp(offset))
    others = views[:, 1:]
    total = background + others.sum(axis=1, keepdims=True)
    return np.asarray(np.concatenate([background, others], axis=1) / total, np.float32)
