"""Says in plain words what a result means, as the contract's JSON states it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipelines.core.codes import ICDR_GRADES, MACULAR_EDEMA_RISKS

Document = dict[str, Any]  # Any: JSON of the contract

EYES: Final = {"R": "right eye", "L": "left eye", "B": "both eyes", None: "patient"}
SIDES: Final = {"R": "right", "L": "left", "B": "both sides", None: "patient"}
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
    "low_predicted_quality": "the outline is predicted to be poor",
    "implausible_volume": "the volume is not one that an adult has",
    "touches_border": "the structure reaches the edge of the image",
    "several_parts": "the outline falls into several parts",
}
#: Decimals of a measurement in its unit: what its error leaves worth saying.
DECIMALS: Final = {"ml": 2, "%": 1, "dB": 1, "1": 3}


def sentences(result: Document) -> Iterator[str]:
    """One line for what was found on each side, one for each picture that is of no use, one for the urgency."""
    names = EYES if result["pipeline"] == "retinopathy" else SIDES
    for side in sides(result):
        line = side_line(result, side, names)
        if line:
            yield line
    for image in result["images"]:
        if not image["quality"]["gradable"]:
            reasons = image["quality"].get("reasons") or ["ungradable"]
            words = ", ".join(REASONS.get(reason, reason) for reason in reasons)
            side = names[image["laterality"]] if image["laterality"] else "a picture"
            yield f"{side}: {'not graded' if names is EYES else 'not to be relied on'}, {words}"
    if result["abstained"]:
        reason = result["abstain_reason"]
        yield f"The model abstains: {REASONS.get(reason, reason)}."
    yield f"Urgency: {result['urgency']} ({URGENCIES[result['urgency']]})"


def sides(result: Document) -> list[str | None]:
    """The sides that findings speak of, right before left, then the patient as a whole (None).

    Of eyes the patient is left out where they are told: the patient's grade is the worse eye's.
    """
    stated = {finding["laterality"] for finding in result["findings"]}
    told: list[str | None] = [*sorted((side for side in stated if side is not None), reverse=True)]
    is_worth_saying = not told or (None in stated and result["pipeline"] != "retinopathy")
    return [*told, None] if is_worth_saying else told


def side_line(result: Document, side: str | None, names: Mapping[str | None, str]) -> str:
    """The findings of one side in one line; empty where there are none."""
    parts = [
        spoken(finding)
        for finding in result["findings"]
        if finding["laterality"] == side and finding["value"] is not None
    ]
    return f"{names[side]}: {'; '.join(parts)}" if parts else ""


def spoken(finding: Document) -> str:
    """One finding in words, with how sure the model is."""
    value, label = finding["value"], finding["label"]
    if label == "dr_grade":
        return f"grade {value}, {lowered(ICDR_GRADES[value].meaning)}{sureness(finding)}"
    if label == "dme_risk":
        return f"macular oedema risk {value}, {lowered(MACULAR_EDEMA_RISKS[value].meaning)}{sureness(finding)}"
    if label == "referable_dr":
        return f"referable disease {value:.0%} probable"
    if label == "acceleration":
        return f"reconstructed from {value:.1f}-fold undersampled data" if value > 1 else "reconstructed from all data"
    if label == "asymmetry":
        return f"asymmetry {sided(finding)}"
    return f"{label} {measured(finding)}"


def sided(finding: Document) -> str:
    """Which side is larger by how many percent: its sign alone would not say so."""
    shown = larger(finding["value"])
    if not finding.get("interval"):
        return shown
    low, high = finding["interval"]
    return f"{shown} (between {larger(low)} and {larger(high)})"


def larger(percent: float) -> str:
    """Positive where the left side is larger (pipelines/segmentation.py)."""
    shown = f"{abs(percent):.{DECIMALS['%']}f} %"
    return f"{shown} {'left' if percent > 0 else 'right'} larger" if percent else shown


def measured(finding: Document) -> str:
    """A value with its unit, and the interval where there is one; words with their probability."""
    value, unit = finding["value"], finding.get("unit") or ""
    if not isinstance(value, int | float):
        return f"{value}{sureness(finding)}"
    decimals = DECIMALS.get(unit, 3)
    shown = f"{value:.{decimals}f}{'' if unit == '1' else ' ' + unit}".rstrip()
    if not finding.get("interval"):
        return shown
    low, high = finding["interval"]
    return f"{shown} ({low:.{decimals}f} to {high:.{decimals}f})"


def sureness(finding: Document) -> str:
    """The calibrated probability of the value that was found."""
    probability = (finding.get("probabilities") or {}).get(str(finding["value"]))
    return "" if probability is None else f" ({probability:.0%})"


def lowered(words: str) -> str:
    """A meaning in the middle of a sentence."""
    return words[0].lower() + words[1:]
