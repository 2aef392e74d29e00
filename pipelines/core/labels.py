"""The finding labels there are and which values each may take, for those who write findings by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.core import codes
from pipelines.core.types import Code


@dataclass(frozen=True, slots=True)
class Grades:
    """A whole number from `lowest` to `highest`, each with a name."""

    code: Code
    names: Mapping[int, str]

    def accepts(self, value: object) -> bool:
        """Whether `value` is one of the grades; True and 1.0 are not numbers a reader types for a grade."""
        return type(value) is int and value in self.names

    @property
    def rule(self) -> str:
        """Which values are right, as half a sentence."""
        return f"a whole number from {min(self.names)} to {max(self.names)}"


@dataclass(frozen=True, slots=True)
class Probability:
    """A number from 0 to 1."""

    code: Code

    def accepts(self, value: object) -> bool:
        """Whether `value` is a number from 0 to 1."""
        return type(value) in (int, float) and isinstance(value, int | float) and 0 <= value <= 1

    @property
    def rule(self) -> str:
        """Which values are right, as half a sentence."""
        return "a number from 0 to 1"


@dataclass(frozen=True, slots=True)
class Measure:
    """A number from `lowest` to `highest` in `unit`: wider than what is plausible, so that no true value is refused."""

    code: Code
    lowest: float
    highest: float
    unit: str

    def accepts(self, value: object) -> bool:
        """Whether `value` is a number in the range."""
        return type(value) in (int, float) and isinstance(value, int | float) and self.lowest <= value <= self.highest

    @property
    def rule(self) -> str:
        """Which values are right, as half a sentence."""
        return f"a number from {self.lowest:g} to {self.highest:g} {self.unit}"


Label = Grades | Probability | Measure

#: pipeline -> label -> its values. CONTRACT: docs/api.md, finding labels.
LABELS: Final[Mapping[str, Mapping[str, Label]]] = {
    "retinopathy": {
        "dr_grade": Grades(
            codes.DIABETIC_RETINOPATHY, {grade: code.meaning for grade, code in codes.ICDR_GRADES.items()}
        ),
        "referable_dr": Probability(codes.REFERABLE_RETINOPATHY),
        "dme_risk": Grades(
            codes.DIABETIC_MACULAR_EDEMA, {risk: code.meaning for risk, code in codes.MACULAR_EDEMA_RISKS.items()}
        ),
    },
    "segmentation": {
        "anterior": Measure(codes.ANTERIOR_HIPPOCAMPUS, 0, 20, "ml"),
        "posterior": Measure(codes.POSTERIOR_HIPPOCAMPUS, 0, 20, "ml"),
        "hippocampus": Measure(codes.HIPPOCAMPUS, 0, 20, "ml"),
        "asymmetry": Measure(codes.HIPPOCAMPAL_ASYMMETRY, -200, 200, "%"),
    },
}
