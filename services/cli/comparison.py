"""Two versions of a model on the same images, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Figures as `GET /models/{name}/comparison` has them. Any: JSON.
Figures = dict[str, Any]


def comparison_lines(figures: Figures) -> Iterator[str]:
    """Agreement, tables of grades, differences of measurements, readers' words, and the gravest differences."""
    yield f"{figures['model']}: {figures['candidate']} beside {figures['reference']}, which is in use"
    yield f"  images that both have read  {figures['n']}"
    yield f"  they say the same           {share_words(figures['agreement'])}"
    yield f"  crossed a line              {figures['crossings']['up']} up, {figures['crossings']['down']} down"
    for label, grades in figures["grades"].items():
        yield from grade_lines(label, grades, "rows in use, columns candidate")
    yield from measure_lines(figures["measures"])
    for side in ("reference", "candidate"):
        yield f"  {figures[side]:12} no answer {share_words(figures['abstained'][side])}"
        yield f"  {'':12} as readers signed {share_words(figures['clinicians'][side])}"
        yield f"  {'':12} seconds a reading {_number(figures['seconds'][side])}"
    for one in figures["largest"]:
        yield f"  {one['study_id']}  {one['kind']:10} {one['headline']}"


def grade_lines(label: str, grades: Figures, axes: str) -> Iterator[str]:
    """A table of grades against grades; `axes` says which are the rows."""
    yield f"  {label}: kappa {_number(grades['quadratic_kappa'])}; {axes}"
    for grade, row in enumerate(grades["confusion"]):
        yield f"    {grade} {' '.join(f'{count:6}' for count in row)}"


def measure_lines(measures: Figures) -> Iterator[str]:
    """Mean difference of each measurement and the limits between which 95 % of the differences lie."""
    for label, spread in measures.items():
        limits = f"{_number(spread['low'])} to {_number(spread['high'])}"
        yield f"  {label}: mean difference {_number(spread['mean'])} ({limits})"


def share_words(share: Figures) -> str:
    """A share with its 95 % interval and what it was counted of."""
    if share["value"] is None:
        return "- (none)"
    return f"{share['value']:.1%} ({share['low']:.1%} to {share['high']:.1%}; {share['count']} of {share['n']})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
