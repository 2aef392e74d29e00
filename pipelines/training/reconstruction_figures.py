"""Measure the methods on held-out cases, and fit on training subjects what is not learned with the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.core.figures import Figure, bootstrap
from pipelines.imaging.acquired import Reconstructor
from pipelines.imaging.fidelity import nmse, psnr, ssim
from pipelines.training.reconstruction_cases import Case

FIGURES: Mapping[str, Callable[[NDArray[np.float32], NDArray[np.float32]], float]] = {
    "ssim": ssim,
    "psnr": psnr,
    "nmse": nmse,
}
COVERED = 0.68  # of the pixels lie within the stated uncertainty: one standard deviation of a normal error


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one method on one case."""

    case: str
    acceleration: int
    method: str
    figure: str
    value: float


def measure(cases: Iterable[Case], methods: Iterable[Reconstructor]) -> list[Row]:
    """Every figure of every method on every case."""
    methods, rows = list(methods), []
    for case in cases:
        acquired, reference = case.acquired, case.reference
        for method in methods:
            image = method.reconstruct(acquired).image
            rows += [
                Row(case.name, case.acceleration, method.name, name, figure(image, reference))
                for name, figure in FIGURES.items()
            ]
    return rows


def summary(prefix: str, rows: Sequence[Row]) -> dict[str, Figure]:
    """Mean and interval over the cases, by acceleration, method and figure; the name begins with `prefix`."""
    kinds = dict.fromkeys((row.acceleration, row.method, row.figure) for row in rows)
    return {
        f"{prefix}_{acceleration}x_{method}_{figure}": over_cases(
            [row.value for row in rows if (row.acceleration, row.method, row.figure) == (acceleration, method, figure)]
        )
        for acceleration, method, figure in kinds
    }


def over_cases(values: Sequence[float]) -> Figure:
    """The mean with its interval by resampling cases."""
    given = np.array(values)
    return bootstrap(lambda cases: float(given[cases].mean()), len(given))


def best_weight(cases: Sequence[Case], method: Callable[[float], Reconstructor], weights: Sequence[float]) -> float:
    """The weight whose mean SSIM over `cases` is highest; one weight for every case to come."""
    scores = {
        weight: np.mean([row.value for row in measure(cases, [method(weight)]) if row.figure == "ssim"])
        for weight in weights
    }
    return max(scores, key=lambda weight: float(scores[weight]))


def uncertainty_scale(cases: Iterable[Case], unscaled: Reconstructor) -> float:
    """The factor on the spread of the views within which COVERED of the pixels' errors lie."""
    ratios = []
    for case in cases:
        made = unscaled.reconstruct(case.acquired)
        if made.uncertainty is not None:
            error = np.abs(made.image - case.reference)
            ratios.append((error / np.maximum(made.uncertainty, np.finfo(np.float32).tiny)).ravel())
    return float(np.quantile(np.concatenate(ratios), COVERED))
