"""What a list shows of a result's document: one line and one number, never an identifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: How the finding of a label reads in a list, where its coded meaning would be too long.
LINES: Final[Mapping[str, str]] = {
    "dr_grade": "DR grade {value}",
    "acceleration": "reconstructed, {value:.1f}-fold undersampled",
}
#: Labels whose sides are told together, and what they are called in a list.
MEASURED: Final[Mapping[str, str]] = {"hippocampus": "hippocampus"}
SIDES: Final[Mapping[str | None, str]] = {"L": " left", "R": " right", "B": " both", None: ""}
#: Why a machine abstains, where the stable word would puzzle a reader.
ABSTENTIONS: Final[Mapping[str, str]] = {
    "ungradable": "the photographs cannot be graded",
    "low_confidence": "not sure enough between the grades",
    "low_predicted_quality": "the outline is predicted to be poor",
    "implausible_volume": "the volume is not one that an adult has",
    "touches_border": "the structure reaches the edge of the image",
    "several_parts": "the outline falls into several parts",
}
LONGEST_HEADLINE = 200


def headline_of(document: Mapping[str, Any]) -> str | None:
    """The first finding about the whole patient as a line, or why the machine abstained.

    Any: the document is the contract's JSON, checked where it was made.
    """
    if document.get("abstained"):
        reason = document.get("abstain_reason") or "not sure enough"
        return f"no answer: {ABSTENTIONS.get(reason, reason)}"[:LONGEST_HEADLINE]
    measured = _measured(document)
    if measured is not None:
        return measured[:LONGEST_HEADLINE]
    finding = chief_of(document)
    if finding is None:
        return None
    line = LINES.get(finding["label"])
    if line is None:
        unit = f" {finding['unit']}" if finding.get("unit") else ""
        return f"{finding['code']['meaning']}: {_brief(finding['value'])}{unit}"[:LONGEST_HEADLINE]
    return line.format(value=finding["value"])


def confidence_of(document: Mapping[str, Any]) -> float | None:
    """The probability of the chief finding's own value, 0-1, where the pipeline gives probabilities."""
    finding = chief_of(document)
    probabilities = (finding or {}).get("probabilities")
    return float(max(probabilities.values())) if probabilities else None


def chief_of(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The finding that stands for the whole result: of the patient, else of the worse side; None where there is none.

    Any: the document is the contract's JSON.
    """
    findings = document.get("findings") or []
    whole: Mapping[str, Any] | None = next((each for each in findings if each.get("laterality") is None), None)
    if whole is not None or not findings:
        return whole
    # A reader may have written of the eyes alone: the worse one is the patient's.
    same: list[Mapping[str, Any]] = [each for each in findings if each["label"] == findings[0]["label"]]
    return max(same, key=_size)


def is_gradable(document: Mapping[str, Any]) -> bool:
    """Whether the machine says that the images can be graded; where it says nothing, they can."""
    return bool((document.get("quality") or {}).get("gradable", True))


def _measured(document: Mapping[str, Any]) -> str | None:
    """The volumes of both sides in one line, such as "hippocampus 3.1 ml left, 3.0 ml right"."""
    found = [each for each in document.get("findings") or [] if each["label"] in MEASURED and each["value"] is not None]
    if not found:
        return None
    sides = [f"{each['value']:.1f} {each.get('unit') or ''}{SIDES[each.get('laterality')]}" for each in found]
    return f"{MEASURED[found[0]['label']]} {', '.join(sides)}"


def _brief(value: object) -> object:
    return f"{value:.3g}" if isinstance(value, float) else value


def _size(finding: Mapping[str, Any]) -> float:
    """How far a value stands out; words and missing values do not."""
    value = finding["value"]
    return float(value) if isinstance(value, int | float) else float("-inf")
