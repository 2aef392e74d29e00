"""What two readings of the same images say differently, and in which order that is shown to a person."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.core.change import ChangeKind, agrees, compare

Json = dict[str, Any]


def eyes(
    patient: int | None,
    right: int | None = None,
    left: int | None = None,
    *,
    abstained: str | None = None,
    urgency: str | None = None,
    probability: float = 0.3,
) -> Json:
    """A result of the retinopathy pipeline: the patient's grade and, where given, those of the eyes."""
    sides = {None: patient, "R": right, "L": left}
    grades = [finding("dr_grade", value, side) for side, value in sides.items() if side is None or value is not None]
    by_grade = "stat" if patient == 4 else "urgent" if (patient or 0) >= 2 else "routine"
    return {
        "pipeline": "retinopathy",
        "findings": [*grades, finding("referable_dr", probability)],
        "abstained": abstained is not None,
        "abstain_reason": abstained,
        "urgency": urgency or ("check" if abstained else by_grade),
    }


def finding(label: str, value: object, side: str | None = None, **more: object) -> Json:
    """One finding as the contract writes it."""
    code = {"scheme": "99OVR", "value": label, "meaning": label}
    return {"code": code, "label": label, "value": value, "unit": None, "laterality": side, **more}


def volume(value: float, error: float, label: str = "hippocampus", pipeline: str = "segmentation") -> Json:
    """A result with one volume and the interval of its error."""
    found = finding(label, value, "L", unit="ml", interval=[value - error, value + error])
    return {"pipeline": pipeline, "findings": [found], "abstained": False, "abstain_reason": None, "urgency": "routine"}


def test_the_same_answer_twice_is_no_change() -> None:
    change = compare(eyes(2, 2, 1), eyes(2, 2, 1, probability=0.4))
    assert (change.kind, change.weight) == (ChangeKind.NONE, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "kind", "headline"),
    [
        (eyes(1), eyes(2), ChangeKind.CROSSED, "DR grade 1 -> 2, now referable"),
        (eyes(3), eyes(4), ChangeKind.CROSSED, "DR grade 3 -> 4, now proliferative"),
        (eyes(2), eyes(0), ChangeKind.CROSSED, "DR grade 2 -> 0, no longer referable"),
        (eyes(2, 2, 1), eyes(2, 2, 2), ChangeKind.CROSSED, "DR grade left 1 -> 2, now referable"),
        (eyes(2), eyes(3), ChangeKind.CHANGED, "DR grade 2 -> 3"),
        (eyes(1), eyes(0), ChangeKind.CHANGED, "DR grade 1 -> 0"),
        (eyes(1), eyes(None, abstained="ungradable"), ChangeKind.UNANSWERED, "no answer any more, it was: DR grade 1"),
        (eyes(None, abstained="ungradable"), eyes(0), ChangeKind.ANSWERED, "answered now: DR grade 0"),
        (None, eyes(0), ChangeKind.NEW, "first reading: DR grade 0"),
        (
            eyes(1, probability=0.2),
            eyes(1, urgency="urgent", probability=0.6),
            ChangeKind.CROSSED,
            "probability of referable DR 0.20 -> 0.60, now beyond the line",
        ),
    ],
)
def test_a_change_has_a_kind_and_one_line(old: Json | None, new: Json, kind: ChangeKind, headline: str) -> None:
    change = compare(old, new)
    assert (change.kind, change.headline) == (kind, headline)


def test_the_gravest_change_weighs_most() -> None:
    unsure = eyes(None, abstained="ungradable")
    in_order = [
        compare(eyes(0), eyes(4)),
        compare(eyes(3), eyes(4)),
        compare(eyes(0), eyes(3)),
        compare(eyes(1), eyes(2)),
        compare(eyes(2, 2, 1), eyes(2, 2, 2)),
        compare(eyes(2), eyes(1)),
        compare(unsure, eyes(2)),
        compare(eyes(1), unsure),
        compare(eyes(2), eyes(3)),
        compare(eyes(3), eyes(2)),
        compare(unsure, eyes(1)),
        compare(volume(3.0, 0.1), volume(4.0, 0.1)),
        compare(volume(3.0, 0.1), volume(3.2, 0.1)),
        compare(eyes(1), eyes(1)),
    ]
    weights = [change.weight for change in in_order]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == len(weights)


def test_both_eyes_changing_places_is_seen_though_the_patient_keeps_the_grade() -> None:
    change = compare(eyes(2, 2, 0), eyes(2, 0, 2))
    assert (change.kind, change.headline) == (ChangeKind.CROSSED, "DR grade left 0 -> 2, now referable")


def test_doubtful_bad_news_counts_and_doubtful_good_news_does_not() -> None:
    worse = compare(eyes(1), eyes(3, abstained="low_confidence", urgency="urgent"))
    better = compare(eyes(3), eyes(1, abstained="low_confidence"))
    assert worse.kind is ChangeKind.CROSSED
    assert better.kind is ChangeKind.UNANSWERED


def test_a_volume_changes_only_beyond_both_errors() -> None:
    # Errors of 0.3 and 0.4 ml explain differences up to 0.5 ml.
    assert compare(volume(3.0, 0.3), volume(3.45, 0.4)).kind is ChangeKind.NONE
    change = compare(volume(3.0, 0.3), volume(2.4, 0.4))
    assert (change.kind, change.headline) == (ChangeKind.CHANGED, "hippocampus left 3 -> 2.4 ml (-20 %)")


def test_a_bundle_of_unknown_labels_is_compared_by_its_classes_and_numbers() -> None:
    old = {**volume(10, 0, "liver", "some_bundle"), "findings": [finding("liver", 10.0, unit="ml")]}
    near = {**old, "findings": [finding("liver", 10.2, unit="ml")]}
    far = {**old, "findings": [finding("liver", 12.0, unit="ml")]}
    assert [compare(old, near).kind, compare(old, far).kind] == [ChangeKind.NONE, ChangeKind.CHANGED]
    cat = {**old, "findings": [finding("class", "cat", probabilities={"cat": 0.9, "dog": 0.1})]}
    dog = {**old, "findings": [finding("class", "dog", probabilities={"cat": 0.2, "dog": 0.8})]}
    assert compare(cat, dog).headline == "class cat -> dog"


def test_every_finding_that_both_hold_is_told_also_where_it_is_alike() -> None:
    change = compare(eyes(1, 1, 0), eyes(2, 2, 0))
    told = [(each.label, each.laterality, each.old, each.new) for each in change.findings]
    assert told == [("dr_grade", None, 1, 2), ("dr_grade", "R", 1, 2), ("dr_grade", "L", 0, 0)]


def test_a_reading_agrees_with_a_reader_where_it_says_each_of_the_readers_findings() -> None:
    word = {**eyes(1), "findings": [finding("dr_grade", 2, "R")]}
    assert agrees(word, eyes(2, 2, 0)) is True
    assert agrees(word, eyes(2, 1, 2)) is False
    assert agrees(word, eyes(None, abstained="ungradable")) is None
