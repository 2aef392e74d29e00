"""Says in plain words what a result means, as the contract's JSON states it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipelines.core.codes import ICDR_GRADES, MACULAR_EDEMA_RISKS

Document = dict[str, Any]  # Any: JSON of the contract

SIDES: Final = {"R": "right eye", "L": "left eye", "B": "both eyes", None: "patient"}
URGENCIES: Final = {
    "stat": "read now",
    "urgent": "read today",
    "check": "a person has to look: the machine does not know",
    "routine": "nothing that cannot wait",
}
REASONS: Final = {
    "blur": "too blurred",
    "dark": "too dark",
    "bright": "too bright",
    "no_retina": "shows no retina",
    "ungradable": "no picture can be graded",
    "low_confidence": "not sure enough to grade",
}


def sentences(result: Document) -> Iterator[str]:
    """One line for what was found on each side, one for each picture that could not be graded, one for the urgency."""
    for side in sides(result):
        line = side_line(result, side)
        if line:
            yield line
    for image in result["images"]:
        if not image["quality"]["gradable"]:
            reasons = image["quality"].get("reasons") or ["ungradable"]
            words = ", ".join(REASONS.get(reason, reason) for reason in reasons)
            yield f"{SIDES[image['laterality']] if image['laterality'] else 'a picture'}: not graded, {words}"
    if result["abstained"]:
        reason = result["abstain_reason"]
        yield f"The model abstains: {REASONS.get(reason, reason)}."
    yield f"Urgency: {result['urgency']} ({URGENCIES[result['urgency']]})"


def sides(result: Document) -> list[str | None]:
    """The sides that findings speak of, the patient as a whole (None) last and only where nothing else is said."""
    stated = {finding["laterality"] for finding in result["findings"]}
    eyes = sorted(side for side in stated if side is not None)
    return [*reversed(eyes)] or [None]


def side_line(result: Document, side: str | None) -> str:
    """The findings of one side in one line; empty where there are none."""
    parts = [
        spoken(finding)
        for finding in result["findings"]
        if finding["laterality"] == side and finding["value"] is not None
    ]
    return f"{SIDES[side]}: {'; '.join(parts)}" if parts else ""


def spoken(finding: Document) -> str:
    """One finding in words, with how sure the model is."""
    value, label = finding["value"], finding["label"]
    if label == "dr_grade":
        return f"grade {value}, {lowered(ICDR_GRADES[value].meaning)}{sureness(finding)}"
    if label == "dme_risk":
        return f"macular edema risk {value}, {lowered(MACULAR_EDEMA_RISKS[value].meaning)}{sureness(finding)}"
    if label == "referable_dr":
        return f"to be referred: {value:.0%} probable"
    return f"{label} {value}{' ' + finding['unit'] if finding.get('unit') else ''}"


def sureness(finding: Document) -> str:
    """The calibrated probability of the value that was found."""
    probability = (finding.get("probabilities") or {}).get(str(finding["value"]))
    return "" if probability is None else f" ({probability:.0%})"


def lowered(words: str) -> str:
    """A meaning in the middle of a sentence."""
    return words[0].lower() + words[1:]
