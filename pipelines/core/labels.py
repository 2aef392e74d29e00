"""The finding labels there are and which values each may take, for those who write findings by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the names that a model tells apart."""

    code: Code
    names: frozenset[str]

    def accepts(self, value: object) -> bool:
        """Whether `value` is one of the names."""
        return isinstance(value, str) and value in self.names

    @property
    def rule(self) -> str:
        """Which values are right, as half a sentence."""
        return f"one of {', '.join(sorted(self.names))}"


Label = Grades | Probability | Measure | Choice

#: Of a measurement whose label says no limits: what any program reads back from JSON.
_LARGEST: Final = 1e12

_RECONSTRUCTION: Final[Mapping[str, Label]] = {
    "acceleration": Measure(codes.ACCELERATION, 1, 64, "1"),
    "ssim": Measure(codes.SSIM, -1, 1, "1"),
    "psnr": Measure(codes.PSNR, 0, 200, "dB"),
    "nmse": Measure(codes.NMSE, 0, 100, "1"),
}

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
    "reconstruction": _RECONSTRUCTION,
    "reconstruction_zero_filled": _RECONSTRUCTION,
    "reconstruction_sense": _RECONSTRUCTION,
    "reconstruction_compressed_sensing": _RECONSTRUCTION,
    "selftest": {"selftest_answer": Measure(codes.SELFTEST_ANSWER, 0, _LARGEST, "1")},
}


def labels_of(pipeline: str, findings: Sequence[Mapping[str, Any]]) -> Mapping[str, Label]:
    """The labels that a reader may use on a result: those of its pipeline, else those that its own findings have.

    The latter serves models that were added at run time: a class is one of the classes the model tells apart, anything
    else a number. Any: findings are the contract's JSON.
    """
    return LABELS.get(pipeline) or {finding["label"]: _label(finding) for finding in findings}


def _label(finding: Mapping[str, Any]) -> Label:
    code = Code(**finding["code"])
    if finding.get("probabilities") and isinstance(finding["value"], str):
        return Choice(code, frozenset(finding["probabilities"]))
    unit = finding.get("unit") or "1"
    return Measure(code, 0.0 if unit == "ml" else -_LARGEST, _LARGEST, unit)
