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
    yield f"  they say the same           {_share(figures['agreement'])}"
    yield f"  crossed a line              {figures['crossings']['up']} up, {figures['crossings']['down']} down"
    for label, grades in figures["grades"].items():
        yield from _grades(label, grades)
    for label, spread in figures["measures"].items():
        limits = f"{_number(spread['low'])} to {_number(spread['high'])}"
        yield f"  {label}: mean difference {_number(spread['mean'])} ({limits})"
    for side in ("reference", "candidate"):
        yield f"  {figures[side]:12} no answer {_share(figures['abstained'][side])}"
        yield f"  {'':12} as readers signed {_share(figures['clinicians'][side])}"
        yield f"  {'':12} seconds a reading {_number(figures['seconds'][side])}"
    for one in figures["largest"]:
        yield f"  {one['study_id']}  {one['kind']:10} {one['headline']}"


def _grades(label: str, grades: Figures) -> Iterator[str]:
    yield f"  {label}: kappa {_number(grades['quadratic_kappa'])}; rows in use, columns candidate"
    for grade, row in enumerate(grades["confusion"]):
        yield f"    {grade} {' '.join(f'{count:6}' for count in row)}"


def _share(share: Figures) -> str:
    if share["value"] is None:
        return "- (none)"
    return f"{share['value']:.1%} ({share['low']:.1%} to {share['high']:.1%}; {share['count']} of {share['n']})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
