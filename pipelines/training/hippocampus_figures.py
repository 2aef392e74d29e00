"""The figures of the model card, measured on validation cases through the bundle as it will be shipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipelines.core.figures import Figure, area_under_curve, bootstrap, share_right
from pipelines.nets.segmentation_quality import QualityRule
from pipelines.nets.segmenter import SegmentationModel
from pipelines.training.hippocampus_calibrate import GOOD_DICE, UNCHANGED, WHOLE, Judged, pairs, score, unchanged
from pipelines.training.hippocampus_degrade import DEGRADATIONS

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class KindFigures:
    """One way a crop was made worse: true Dice (mean of the structures), the predicted one, and who was sent on."""

    kind: str
    n: int
    dice: float
    predicted: float
    bad: float  # share with a structure below GOOD_DICE
    flagged: float  # share below the threshold


def volume_figures(judged: Sequence[Judged], model: SegmentationModel) -> dict[str, Figure]:
    """Of the unchanged cases: mean signed error (%), and how many true volumes lie in the measurement interval.

    The mean absolute error of both structures together stands before them; `overread evaluate` gives the single ones.
    """
    plain = unchanged(judged)
    whole = np.abs([100 * each.errors[WHOLE] for each in plain])
    answer = {f"volume_error_percent.{WHOLE}": bootstrap(mean_of(whole), len(whole))}
    for name, (low, high) in model.volume_errors.items():
        errors = np.array([each.errors[name] for each in plain])
        answer[f"volume_bias_percent.{name}"] = bootstrap(mean_of(100 * errors), len(errors))
        answer[f"interval_coverage.{name}"] = bootstrap(mean_of((errors >= low) & (errors <= high)), len(errors))
    return answer


def quality_figures(judged: Sequence[Judged], rule: QualityRule) -> dict[str, Figure]:
    """How well the predicted Dice tells good outlines from bad ones; all versions of a case are resampled together."""
    predicted = np.array([score(each, rule) for each in judged])
    worst = np.array([each.worst_dice for each in judged])
    bad, flagged = worst < GOOD_DICE, predicted < rule.threshold
    kept = np.array([each.kind == UNCHANGED for each in judged])
    statistics: dict[str, Callable[[Rows], float]] = {
        "quality_spearman": lambda rows: float(stats.spearmanr(predicted[rows], worst[rows]).statistic),
        "quality_auc": lambda rows: area_under_curve(bad[rows], -predicted[rows]),
        "quality_error": lambda rows: float(np.abs(predicted[rows] - worst[rows]).mean()),
        "bad_flagged": lambda rows: share_right(flagged[rows], bad[rows]),
        "good_flagged": lambda rows: share_right(flagged[rows], ~bad[rows]),
        "unchanged_flagged": lambda rows: share_right(flagged[rows], kept[rows]),
    }
    cases = [np.flatnonzero([each.case == number for each in judged]) for number in {each.case for each in judged}]
    return {name: bootstrap(by_case(statistic, cases), len(cases)) for name, statistic in statistics.items()}


def by_case(statistic: Callable[[Rows], float], cases: Sequence[Rows]) -> Callable[[Rows], float]:
    """A statistic of rows as one of cases."""
    return lambda chosen: statistic(np.concatenate([cases[number] for number in chosen]))


def mean_of(values: NDArray[np.generic]) -> Callable[[Rows], float]:
    """The mean of the chosen rows."""
    return lambda rows: float(values[rows].mean())


def kind_figures(judged: Sequence[Judged], rule: QualityRule) -> list[KindFigures]:
    """The same by kind, unchanged cases first."""
    answer = []
    present = {each.kind for each in judged}
    for kind in (kind for kind in (UNCHANGED, *DEGRADATIONS) if kind in present):
        here = [each for each in judged if each.kind == kind]
        predicted = [score(each, rule) for each in here]
        answer.append(
            KindFigures(
                kind=kind,
                n=len(here),
                dice=float(np.mean([value for _, value in pairs(here)])),
                predicted=float(np.mean([rule.predicted(agreement) for agreement, _ in pairs(here)])),
                bad=float(np.mean([each.worst_dice < GOOD_DICE for each in here])),
                flagged=float(np.mean([value < rule.threshold for value in predicted])),
            )
        )
    return answer


def figures_table(measured: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The card's table of figures."""
    lines = ["| figure | value | 95 % interval |", "| --- | --- | --- |"]
    for name, figure in measured.items():
        title = name.replace("_", " ").replace(".", ", ")
        lines.append(f"| {title} | {figure['value']:.3f} | {figure['low']:.3f} to {figure['high']:.3f} |")
    return lines


def kinds_table(kinds: Sequence[KindFigures]) -> list[str]:
    """The card's table of degraded crops."""
    lines = [
        f"| crop | n | Dice | predicted | a structure below {GOOD_DICE} | sent to a person |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in kinds:
        shares = f"{each.dice:.3f} | {each.predicted:.3f} | {each.bad:.0%} | {each.flagged:.0%}"
        lines.append(f"| {each.kind} | {each.n} | {shares} |")
    return lines
