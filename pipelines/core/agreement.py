"""How far two readers of the same images agree, added up one pair at a time: memory does not grow with the pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Final

from pipelines.core.change import FindingChange
from pipelines.core.labels import LABELS, Grades

#: Two-sided 95 % of the normal distribution.
NORMAL_95: Final = 1.959964
#: JSON of figures. Any: numbers, null and lists of them.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `n` are so, with the 95 % interval of Wilson (J. Am. Stat. Assoc. 1927;22:209)."""

    count: int
    n: int

    def as_json(self) -> Json:
        """count, n, value, low, high; the last three None where there is nothing to share."""
        if not self.n:
            return {"count": 0, "n": 0, "value": None, "low": None, "high": None}
        share, square = self.count / self.n, NORMAL_95**2
        middle = (share + square / (2 * self.n)) / (1 + square / self.n)
        half = NORMAL_95 * sqrt(share * (1 - share) / self.n + square / (4 * self.n**2)) / (1 + square / self.n)
        low, high = max(middle - half, 0.0), min(middle + half, 1.0)
        return {"count": self.count, "n": self.n, "value": _round(share), "low": _round(low), "high": _round(high)}


@dataclass(slots=True)
class Grading:
    """Counts of old against new grade, a row an old grade."""

    classes: int
    counts: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with nothing counted."""
        self.counts = self.counts or [[0] * self.classes for _ in range(self.classes)]

    def add(self, old: int, new: int) -> None:
        """One more pair."""
        self.counts[old][new] += 1

    def as_json(self) -> Json:
        """The table, the share of equal grades, and Cohen's kappa with quadratic weights (Cohen 1968)."""
        n = sum(map(sum, self.counts))
        same = sum(self.counts[grade][grade] for grade in range(self.classes))
        return {"confusion": self.counts, "equal": Share(same, n).as_json(), "quadratic_kappa": self._kappa(n)}

    def _kappa(self, n: int) -> float | None:
        grades = range(self.classes)
        rows = [sum(row) for row in self.counts]
        columns = [sum(row[grade] for row in self.counts) for grade in grades]
        seen = sum((old - new) ** 2 * self.counts[old][new] for old in grades for new in grades)
        chance = sum((old - new) ** 2 * rows[old] * columns[new] for old in grades for new in grades) / n if n else 0
        return _round(1 - seen / chance) if chance else None


@dataclass(slots=True)
class Differences:
    """Mean and spread of new minus old (Welford, Technometrics 1962;4:419)."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, old: float, new: float) -> None:
        """One more pair."""
        self.n += 1
        step = (new - old) - self.mean
        self.mean += step / self.n
        self.squares += step * ((new - old) - self.mean)

    def as_json(self) -> Json:
        """Mean difference and limits of agreement, mean +- 1.96 standard deviations (Bland & Altman, Lancet 1986)."""
        if self.n < 2:
            return {"n": self.n, "mean": _round(self.mean) if self.n else None, "low": None, "high": None}
        half = NORMAL_95 * sqrt(self.squares / (self.n - 1))
        return {
            "n": self.n,
            "mean": _round(self.mean),
            "low": _round(self.mean - half),
            "high": _round(self.mean + half),
        }


@dataclass(slots=True)
class Tally:
    """Findings of one pipeline in two readings: the patient's grades as a table, measurements as differences."""

    pipeline: str
    grades: dict[str, Grading] = field(default_factory=dict)
    measures: dict[str, Differences] = field(default_factory=dict)

    def add(self, label: str, laterality: str | None, old: object, new: object) -> None:
        """One finding in both readings; what either leaves open, words, and the grades of single eyes are left out."""
        known = LABELS.get(self.pipeline, {}).get(label)
        if isinstance(known, Grades):
            if laterality is None and isinstance(old, int) and isinstance(new, int):
                classes = max(known.names) + 1
                self.grades.setdefault(label, Grading(classes)).add(old, new)
        elif isinstance(old, int | float) and isinstance(new, int | float):
            self.measures.setdefault(label, Differences()).add(float(old), float(new))

    def add_change(self, finding: FindingChange) -> None:
        """The same of a finding as `compare` gives it."""
        self.add(finding.label, finding.laterality, finding.old, finding.new)

    def as_json(self) -> Mapping[str, Json]:
        """`grades` and `measures`, by label."""
        return {
            "grades": {label: table.as_json() for label, table in sorted(self.grades.items())},
            "measures": {label: spread.as_json() for label, spread in sorted(self.measures.items())},
        }


@dataclass(slots=True)
class Verdicts:
    """How often a reading says what clinicians signed; a reading without an answer neither agrees nor disagrees."""

    agreeing: int = 0
    answered: int = 0
    unanswered: int = 0

    def add(self, agrees: bool | None) -> None:
        """One more signed study."""
        if agrees is None:
            self.unanswered += 1
            return
        self.answered += 1
        self.agreeing += agrees

    def as_json(self) -> Json:
        """The share with its interval, and how many gave no answer."""
        return {**Share(self.agreeing, self.answered).as_json(), "unanswered": self.unanswered}


def _round(value: float) -> float:
    return round(value, 6)
