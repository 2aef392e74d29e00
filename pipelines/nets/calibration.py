"""Honest probabilities: temperature and bias, calibration error, abstention, and the rule that picks a grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pipelines.core.figures import quadratic_kappa

Logits = NDArray[np.float32]
Probabilities = NDArray[np.float64]
Grades = NDArray[np.int64]

BINS = 15  # Guo et al. 2017
CUT_CANDIDATES = 60  # places on the expected grade that a cut point is tried at
FIT_STEPS = 200  # L-BFGS iterations; the problem is convex in (1 / temperature, bias) and ends far earlier
BIAS_PENALTY = 0.02  # on the squared bias: twenty photographs of grade 1 must not move it freely


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logits are divided by `temperature`, then `bias` (one a class) is added (Guo et al. 2017, vector scaling)."""

    temperature: float
    bias: tuple[float, ...]

    def probabilities(self, logits: Logits) -> Probabilities:
        """(n, classes) -> (n, classes) float64 whose rows sum to 1."""
        moved = logits.astype(np.float64) / self.temperature + np.asarray(self.bias)
        raised = np.exp(moved - moved.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float64)


def fit_temperature(logits: Logits, grades: Grades) -> Calibration:
    """The temperature that minimises the negative log likelihood of (n, classes) logits; no bias."""
    return fit(logits, grades, with_bias=False)


def fit_temperature_and_bias(logits: Logits, grades: Grades) -> Calibration:
    """Temperature and class bias that minimise the penalised negative log likelihood; the bias sums to zero."""
    return fit(logits, grades, with_bias=True)


def fit(logits: Logits, grades: Grades, *, with_bias: bool) -> Calibration:
    """The shared minimisation; deterministic, it starts at temperature 1 and no bias."""
    inputs, truth = torch.from_numpy(logits.astype(np.float64)), torch.from_numpy(grades)
    log_slope = torch.zeros((), dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(logits.shape[1], dtype=torch.float64, requires_grad=with_bias)
    free = [log_slope, bias] if with_bias else [log_slope]
    search = torch.optim.LBFGS(free, max_iter=FIT_STEPS, line_search_fn="strong_wolfe")

    def value() -> torch.Tensor:
        search.zero_grad()
        moved = inputs * log_slope.exp() + (bias - bias.mean())
        likelihood = functional.cross_entropy(moved, truth) + BIAS_PENALTY * (bias**2).sum()
        likelihood.backward()  # type: ignore[no-untyped-call]
        return likelihood

    search.step(value)  # type: ignore[no-untyped-call]
    centred = (bias - bias.mean()).detach().numpy()
    return Calibration(float(torch.exp(-log_slope.detach())), tuple(float(number) for number in centred))


def expected_calibration_error(confidence: Probabilities, correct: NDArray[np.bool_], bins: int = BINS) -> float:
    """Mean distance of confidence (n,) and accuracy in equal-width bins, weighted by count (Guo et al. 2017)."""
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)  # (low, high] as the paper has it
    counts = np.bincount(place, minlength=bins)
    gap = np.bincount(place, confidence - correct, minlength=bins)
    return float(np.abs(gap).sum() / counts.sum())


def abstention_threshold(confidence: Probabilities, share: float) -> float:
    """The confidence below which `share` of (n,) predictions lie."""
    return float(np.quantile(confidence, share))


def threshold_for_sensitivity(positive: NDArray[np.bool_], score: Probabilities, sensitivity: float) -> float:
    """The highest threshold on (n,) scores at which at least `sensitivity` of the positives are at or above it."""
    ranked = np.sort(score[positive])[::-1]
    return float(ranked[int(np.ceil(sensitivity * len(ranked))) - 1])


class Decision(Protocol):
    """A rule that turns probabilities into a grade."""

    def grades(self, probabilities: Probabilities) -> Grades:
        """(n, classes) -> (n,) int64."""
        ...


@dataclass(frozen=True, slots=True)
class MostProbable:
    """The class with the highest probability: what a reader expects who sees the probabilities beside it."""

    def grades(self, probabilities: Probabilities) -> Grades:
        """(n, classes) -> (n,) int64."""
        return np.asarray(probabilities.argmax(axis=1), np.int64)


@dataclass(frozen=True, slots=True)
class CutPoints:
    """The number of cut points that the expected grade lies above: ordinal, fitted for quadratic kappa."""

    cuts: tuple[float, ...]

    def grades(self, probabilities: Probabilities) -> Grades:
        """(n, classes) -> (n,) int64."""
        expected = probabilities @ np.arange(probabilities.shape[1])
        return np.searchsorted(np.asarray(self.cuts), expected, side="left").astype(np.int64)


def fit_cut_points(probabilities: Probabilities, grades: Grades) -> CutPoints:
    """Cut points on the expected grade that maximise quadratic kappa, moved one at a time until none improves it."""
    classes = probabilities.shape[1]
    expected = probabilities @ np.arange(classes)
    candidates = np.quantile(expected, np.linspace(0.02, 0.98, CUT_CANDIDATES))
    cuts = [grade + 0.5 for grade in range(classes - 1)]
    best, before = quadratic_kappa(grades, CutPoints(tuple(cuts)).grades(probabilities), classes), -1.0
    while best > before:
        before = best
        for place in range(len(cuts)):
            for candidate in candidates:
                moved = tuple(sorted([*cuts[:place], float(candidate), *cuts[place + 1 :]]))
                kappa = quadratic_kappa(grades, CutPoints(moved).grades(probabilities), classes)
                if kappa > best:
                    best, cuts = kappa, list(moved)
    return CutPoints(tuple(cuts))
