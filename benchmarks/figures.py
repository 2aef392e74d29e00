"""What a benchmark reports: a median, its unit, what it is compared with and what it should reach."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `ratio` compares it with `beside` (2.0: twice as good), `target` is what it should reach."""

    name: str
    value: float
    unit: str
    beside: str = ""
    ratio: float | None = None
    target: str = ""
    reached: bool | None = None


def beside(run: Callable[[], object], other: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Median seconds of `run` and of `other`, taken in turns, and the median of the ratios run / other of each turn."""
    run(), other()
    turns = [(seconds(run), seconds(other)) for _ in range(repeats)]
    return (
        statistics.median(first for first, _ in turns),
        statistics.median(second for _, second in turns),
        statistics.median(first / second for first, second in turns),
    )


def seconds(run: Callable[[], object]) -> float:
    """The wall-clock time of one run."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def table(figures: Sequence[Figure]) -> str:
    """Figures as a table for people, one a line."""
    rows = [("what", "median", "beside", "target", "")]
    for figure in figures:
        beside = f"{figure.ratio:.2f}x {figure.beside}" if figure.ratio is not None else figure.beside
        verdict = {True: "reached", False: "MISSED", None: ""}[figure.reached]
        rows.append((figure.name, f"{figure.value:.4g} {figure.unit}", beside, figure.target, verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
