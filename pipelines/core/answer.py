"""What a reader's word amounts to as an answer, and whether two readers gave the same one (decision 0120)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipelines.core.change import Document, Place
from pipelines.core.labels import Grades, Label, Measure, Probability, labels_of

#: Two readers' measurements that differ by less than this share of the larger one are the same answer.
MEASURED_ALIKE: Final = 0.10
#: Of a measurement that is itself a share: points that do not matter.
POINTS_ALIKE: Final = 10.0
PERCENT: Final = "%"
EVEN: Final = 0.5


def corrected(document: Document, findings: Sequence[Mapping[str, Any]]) -> Document:
    """The document as a reader says it should be: findings of the same label and side replaced, the others kept.

    The machine's probabilities go with the grades that they led to: who corrects a grade does not say them. Where eyes
    are graded anew and nothing is said of the patient, the patient's grade is that of the worse eye.
    Any: findings are the contract's JSON.
    """
    labels = labels_of(document["pipeline"], [*document["findings"], *findings])
    said = {_place(each): each for each in findings}
    regraded = any(not isinstance(labels.get(each["label"]), Probability) for each in findings)
    kept = [
        each
        for each in document["findings"]
        if _place(each) not in said and not (regraded and isinstance(labels.get(each["label"]), Probability))
    ]
    findings_now = [*kept, *said.values()]
    followed = [_following(each, said, findings_now, labels) for each in findings_now]
    return {**document, "abstained": False, "findings": followed}


def same_answer(one: Document | None, other: Document | None) -> bool:
    """Whether two readers gave the same answer; None is that of a reader who rejected the result.

    Grades and classes are the same where they are equal, measurements within a tenth of the larger; a probability is
    compared, by the side of a half, only where both gave one. Where eyes are graded, the patient's grade follows.
    """
    if one is None or other is None:
        return one is other
    labels = labels_of(one["pipeline"], [*one["findings"], *other["findings"]])
    ours, theirs = _said(one, labels), _said(other, labels)
    either = {place for place in ours.keys() | theirs.keys() if not isinstance(labels.get(place[0]), Probability)}
    both = ours.keys() & theirs.keys()
    return either <= both and all(_alike(labels.get(place[0]), ours[place], theirs[place]) for place in both)


def _following(
    finding: Mapping[str, Any],
    said: Mapping[Place, Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    labels: Mapping[str, Label],
) -> Mapping[str, Any]:
    """A patient's grade of which nothing was said, as it follows from eyes of which something was; others as they are.

    Any: findings are the contract's JSON.
    """
    label, side = _place(finding)
    regraded = any(of == label and eye is not None for of, eye in said)
    if side is not None or (label, side) in said or not regraded or not isinstance(labels.get(label), Grades):
        return finding
    eyes = [each["value"] for each in findings if each["label"] == label and each.get("laterality") is not None]
    worse = max((value for value in eyes if value is not None), default=None)
    return {**finding, "value": worse, "probabilities": None, "interval": None}


def _place(finding: Mapping[str, Any]) -> Place:
    return finding["label"], finding.get("laterality")


def _said(document: Document, labels: Mapping[str, Label]) -> dict[Place, Any]:
    # Any: values are grades, numbers or names, as the label says
    found = {_place(each): each["value"] for each in document["findings"] if each["value"] is not None}
    sided = {label for label, side in found if side is not None and isinstance(labels.get(label), Grades)}
    return {(label, side): value for (label, side), value in found.items() if side is not None or label not in sided}


def _alike(label: Label | None, one: Any, other: Any) -> bool:
    if isinstance(label, Probability):
        return bool((one >= EVEN) == (other >= EVEN))
    if isinstance(label, Measure):
        apart = abs(one - other)
        return bool(apart <= (POINTS_ALIKE if label.unit == PERCENT else MEASURED_ALIKE * max(abs(one), abs(other))))
    return bool(one == other)
