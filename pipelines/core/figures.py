"""Figures of merit for ordinal grading, and the bootstrap intervals that go with every figure we print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000  # Efron & Tibshirani 1993 ask for at least 1000 for a percentile interval
INTERVAL = (2.5, 97.5)  # percentiles: 95 %


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def rounded(self) -> dict[str, float | None]:
        """As JSON: value, low and high to six places, None where there is no number."""
        return {name: None if np.isnan(number) else round(number, 6) for name, number in asdict(self).items()}


def bootstrap(statistic: Callable[[NDArray[np.int64]], float], count: int, seed: int = 0) -> Figure:
    """`statistic` of all rows, and its percentile interval over resamples of `count` rows with replacement.

    `statistic` takes row numbers. Resamples where it is not a number (one class only) are left out. The global random
    state is not touched.
    """
    random = np.random.default_rng(seed)
    values = np.array([statistic(random.integers(0, count, count)) for _ in range(RESAMPLES)])
    low, high = np.nanpercentile(values, INTERVAL)
    return Figure(statistic(np.arange(count)), float(low), float(high))


def confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """(n,), (n,) -> (classes, classes) counts, a row a true class."""
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def quadratic_kappa(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968); 0 where chance alone explains everything."""
    observed = confusion(truth, predicted, classes).astype(np.float64)
    grades = np.arange(classes)
    disagreement = (grades[:, None] - grades[None]) ** 2
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    chance = float((disagreement * expected).sum())
    return 1 - float((disagreement * observed).sum()) / chance if chance else 0.0


def area_under_curve(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Probability that a positive scores above a negative, ties a half (Mann & Whitney 1947); nan for one class."""
    above, below = score[positive], np.sort(score[~positive])
    if not len(above) or not len(below):
        return float("nan")
    wins = np.searchsorted(below, above, side="left") + np.searchsorted(below, above, side="right")
    return float(wins.sum() / 2 / (len(above) * len(below)))


def share_right(claimed: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    """Share of `among` that is `claimed`: sensitivity among the diseased; nan where there are none."""
    return float(claimed[among].mean()) if among.any() else float("nan")
