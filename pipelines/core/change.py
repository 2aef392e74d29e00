"""What a second reading of the same images says otherwise than the first, and how much that weighs for the patient.

The weights are only an order; decision 0094 holds the table and its reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pipelines.core.labels import Grades, Label, Probability, labels_of
from pipelines.core.types import Urgency

Value = float | int | str | None
#: A result as the contract's JSON. Any: it was checked where it was made.
Document = Mapping[str, Any]
#: What tells one finding of a result from another: its label and its side.
Place = tuple[str, str | None]


class ChangeKind(StrEnum):
    """How two readings of the same images differ."""

    NONE = "none"  #: they say the same, within the error of what they measure
    CHANGED = "changed"  #: a grade, class or volume differs, on the same side of every line
    CROSSED = "crossed"  #: the patient or an eye lies on the other side of a line that decides what is done
    ANSWERED = "answered"  #: the first gave no answer, the second does
    UNANSWERED = "unanswered"  #: the first gave an answer, the second does not
    NEW = "new"  #: nothing had read them before


@dataclass(frozen=True, slots=True)
class FindingChange:
    """One finding in both readings, alike or not; `laterality` R, L, B or None for the patient."""

    label: str
    laterality: str | None
    old: Value
    new: Value
    kind: ChangeKind = ChangeKind.NONE
    weight: float = 0.0
    line: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an answer: the gravest difference in one line without identifiers, and every finding in both.

    A person should see those of a weight above 0.
    """

    kind: ChangeKind
    weight: float
    headline: str
    findings: tuple[FindingChange, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A grade from which on something else is done, and what a patient beyond it is called."""

    lowest: int
    name: str
    graver: float  # added to the weight of crossing it upwards


#: ICDR: referable from grade 2, proliferative at 4 (Wilkinson et al. 2003); IDRiD: edema is likely from risk 2. Not
#: called sight-threatening, which readers say of grade 3 and of likely edema as well.
LINES: Final[Mapping[str, tuple[Line, ...]]] = {
    "dr_grade": (Line(4, "proliferative", 10.0), Line(2, "referable", 0.0)),
    "dme_risk": (Line(2, "referable", 0.0),),
}
BEYOND: Final = frozenset({Urgency.STAT, Urgency.URGENT})

CROSSED_UP: Final = 100.0
CROSSED_DOWN: Final = 80.0
ONE_EYE: Final = -10.0  # the patient stays on their side through the other eye
ANSWERED_BEYOND: Final = 65.0
UNANSWERED: Final = 60.0
GRADE_UP: Final = 40.0
GRADE_DOWN: Final = 30.0
ANSWERED: Final = 25.0
MEASURED: Final = 10.0
MOST_MEASURED: Final = 19.0
OTHER: Final = 5.0
#: What crossed a line weighs this much where it crossed it upwards, and less where it crossed it downwards.
UPWARDS: Final = CROSSED_UP + ONE_EYE

#: Of a number whose pipeline states no error: smaller differences are not told.
UNKNOWN_ERROR: Final = 0.05
LONGEST_HEADLINE: Final = 200
#: How labels are called in a headline, where their coded meaning would be too long.
CALLED: Final[Mapping[str, str]] = {"dr_grade": "DR grade", "dme_risk": "macular oedema risk", "class": "class"}
SIDES: Final[Mapping[str | None, str]] = {"R": " right", "L": " left", "B": " both", None: ""}


def compare(old: Document | None, new: Document) -> Change:
    """How `new` differs from `old`, two results of one pipeline on the same images; None where there was none."""
    if old is None:
        return _first(new)
    findings = tuple(_pairs(old, new))
    gravest = max([*findings, *_of_the_whole(old, new, findings)], key=lambda each: each.weight, default=None)
    if gravest is None or gravest.kind is ChangeKind.NONE:
        return Change(ChangeKind.NONE, 0.0, "no change", findings)
    return Change(gravest.kind, gravest.weight, gravest.line[:LONGEST_HEADLINE], findings)


def agrees(word: Document, reading: Document) -> bool | None:
    """Whether a reading says what a reader said, finding by finding of the reader's; None where it gives no answer.

    `word` is a document of the same pipeline whose findings are the reader's. Probabilities are not a reader's word.
    """
    if reading.get("abstained"):
        return None
    return all(each.kind is ChangeKind.NONE for each in _pairs({**word, "abstained": False}, reading))


def _first(new: Document) -> Change:
    values = tuple(
        FindingChange(label, side, None, finding["value"]) for (label, side), finding in _by_place(new).items()
    )
    weight = ANSWERED_BEYOND if new["urgency"] in BEYOND else 0.0
    return Change(ChangeKind.NEW, weight, f"first reading: {_said(new)}"[:LONGEST_HEADLINE], values)


def _pairs(old: Document, new: Document) -> Iterator[FindingChange]:
    """Every finding that both hold, but probabilities: what follows from those is compared instead."""
    labels = labels_of(new["pipeline"], new["findings"])
    before = _by_place(old)
    unsure = bool(old.get("abstained") or new.get("abstained"))
    for place, finding in _by_place(new).items():
        label = labels.get(place[0])
        if place in before and label is not None and not isinstance(label, Probability):
            yield _pair(place, label, before[place], finding, unsure)


def _pair(place: Place, label: Label, old: Document, new: Document, unsure: bool) -> FindingChange:
    if old["value"] is None or new["value"] is None:
        return FindingChange(*place, old["value"], new["value"])
    if isinstance(label, Grades):
        return _graded(place, int(old["value"]), int(new["value"]), unsure)
    if unsure:  # that one of them gives no answer is the news; a doubtful value is none
        return FindingChange(*place, old["value"], new["value"])
    if isinstance(old["value"], str) or isinstance(new["value"], str):
        return _classed(place, old["value"], new["value"])
    return _measured(place, old, new)


def _graded(place: Place, old: int, new: int, unsure: bool) -> FindingChange:
    """Doubt about bad news is no reason to wait; doubtful good news is no news."""
    if old == new or (unsure and new < old):
        return FindingChange(*place, old, new)
    label, side = place
    told = f"{CALLED.get(label, label)}{SIDES[side]} {old} -> {new}"
    steps, one_eye = abs(new - old), ONE_EYE if side else 0.0
    line = next((each for each in LINES.get(label, ()) if (old >= each.lowest) != (new >= each.lowest)), None)
    if line is None:
        weight = (GRADE_UP if new > old else GRADE_DOWN) + steps + (0.0 if side else 0.5)
        return FindingChange(*place, old, new, ChangeKind.CHANGED, weight, told)
    if new > old:
        weight, told = CROSSED_UP + line.graver + steps + one_eye, f"{told}, now {line.name}"
    else:
        weight, told = CROSSED_DOWN + steps + one_eye, f"{told}, no longer {line.name}"
    return FindingChange(*place, old, new, ChangeKind.CROSSED, weight, told)


def _classed(place: Place, old: Value, new: Value) -> FindingChange:
    if old == new:
        return FindingChange(*place, old, new)
    label, side = place
    told = f"{CALLED.get(label, label)}{SIDES[side]} {old} -> {new}"
    return FindingChange(*place, old, new, ChangeKind.CHANGED, GRADE_UP, told)


def _measured(place: Place, old: Document, new: Document) -> FindingChange:
    """A measurement changed where the difference exceeds what both errors together explain (95 %)."""
    before, after = float(old["value"]), float(new["value"])
    stated = old.get("interval") is not None and new.get("interval") is not None
    error = _joint_error(old, new) if stated else UNKNOWN_ERROR * max(abs(before), abs(after))
    excess = abs(after - before)
    if excess <= error:
        return FindingChange(*place, before, after)
    weight = min(MEASURED + excess / error, MOST_MEASURED) if stated and error else OTHER
    share = f" ({100 * (after - before) / before:+.0f} %)" if before and new.get("unit") != "%" else ""
    told = f"{CALLED.get(place[0], place[0])}{SIDES[place[1]]} {before:.3g} -> {after:.3g} {new.get('unit') or ''}"
    return FindingChange(*place, before, after, ChangeKind.CHANGED, weight, told.rstrip() + share)


def _joint_error(old: Document, new: Document) -> float:
    """The two half widths that face each other, as independent errors: the root of the sum of their squares."""
    lower, upper = (old, new) if old["value"] <= new["value"] else (new, old)
    above = max(float(lower["interval"][1]) - float(lower["value"]), 0.0)
    below = max(float(upper["value"]) - float(upper["interval"][0]), 0.0)
    return float((above**2 + below**2) ** 0.5)


def _of_the_whole(old: Document, new: Document, findings: tuple[FindingChange, ...]) -> Iterator[FindingChange]:
    """What the answers say as wholes: given or not, and on which side of the line by the pipeline's own rule.

    A pipeline calls what lies beyond its line urgent, by grade or by its model's own threshold of probability.
    """
    answered, answers = not old.get("abstained"), not new.get("abstained")
    if answered and not answers:
        told = f"no answer any more, it was: {_said(old)}"
        yield FindingChange("answer", None, None, None, ChangeKind.UNANSWERED, UNANSWERED, told)
    if answers and not answered:
        weight = ANSWERED_BEYOND if new["urgency"] in BEYOND else ANSWERED
        yield FindingChange("answer", None, None, None, ChangeKind.ANSWERED, weight, f"answered now: {_said(new)}")
    if any(each.kind is ChangeKind.CROSSED for each in findings):
        return  # the grades tell it better
    before, after = old["urgency"], new["urgency"]
    if after in BEYOND and before not in BEYOND and answered:
        weight, told = CROSSED_UP, "now beyond the line"
    elif before in BEYOND and after not in BEYOND and answers:
        weight, told = CROSSED_DOWN, "no longer beyond the line"
    else:
        return
    told = f"{_chances(old, new)}, {told}"
    yield FindingChange("urgency", None, before, after, ChangeKind.CROSSED, weight, told)


def _chances(old: Document, new: Document) -> str:
    """The two probabilities of referable disease where there are any, else the urgencies."""
    before, after = (_by_place(each).get(("referable_dr", None)) for each in (old, new))
    if before and after and before["value"] is not None and after["value"] is not None:
        return f"probability of referable DR {before['value']:.2f} -> {after['value']:.2f}"
    return f"urgency {old['urgency']} -> {new['urgency']}"


def _by_place(document: Document) -> dict[Place, Document]:
    return {(each["label"], each.get("laterality")): each for each in document["findings"]}


def _said(document: Document) -> str:
    """The first finding in a few words, or why there is no answer."""
    if document.get("abstained"):
        return f"no answer ({document.get('abstain_reason') or 'not sure enough'})"
    finding = next(iter(document["findings"]), None)
    if finding is None:
        return "no findings"
    value = f"{finding['value']:.3g}" if isinstance(finding["value"], float) else str(finding["value"])
    name = CALLED.get(finding["label"], finding["label"])
    return f"{name}{SIDES[finding.get('laterality')]} {value} {finding.get('unit') or ''}".rstrip()
