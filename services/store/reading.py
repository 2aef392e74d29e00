"""What a list shows of a result's document: one line and one number, never an identifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: How the finding of a label reads in a list, where its coded meaning would be too long.
LINES: Final[Mapping[str, str]] = {"dr_grade": "DR grade {value}"}
#: Why a machine abstains, where the stable word would puzzle a reader.
ABSTENTIONS: Final[Mapping[str, str]] = {
    "ungradable": "the photographs cannot be graded",
    "low_confidence": "not sure enough between the grades",
}
LONGEST_HEADLINE = 200


def headline_of(document: Mapping[str, Any]) -> str | None:
    """The first finding about the whole patient as a line, or why the machine abstained.

    Any: the document is the contract's JSON, checked where it was made.
    """
    if document.get("abstained"):
        reason = document.get("abstain_reason") or "not sure enough"
        return f"no answer: {ABSTENTIONS.get(reason, reason)}"[:LONGEST_HEADLINE]
    finding = _chief(document)
    if finding is None:
        return None
    line = LINES.get(finding["label"])
    if line is None:
        unit = f" {finding['unit']}" if finding.get("unit") else ""
        return f"{finding['code']['meaning']}: {finding['value']}{unit}"[:LONGEST_HEADLINE]
    return line.format(value=finding["value"])


def confidence_of(document: Mapping[str, Any]) -> float | None:
    """The probability of the chief finding's own value, 0-1, where the pipeline gives probabilities."""
    finding = _chief(document)
    probabilities = (finding or {}).get("probabilities")
    return float(max(probabilities.values())) if probabilities else None


def _chief(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    findings = document.get("findings") or []
    whole: Mapping[str, Any] | None = next((each for each in findings if each.get("laterality") is None), None)
    if whole is not None or not findings:
        return whole
    # A reader may have written of the eyes alone: the worse one is the patient's.
    same: list[Mapping[str, Any]] = [each for each in findings if each["label"] == findings[0]["label"]]
    return max(same, key=lambda each: each["value"])
