"""When two readers gave the same answer, and what an edit leaves of the machine's."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.core.answer import corrected, same_answer

CODE = {"scheme": "SCT", "value": "1", "meaning": "a finding"}


def finding(label: str, value: Any, laterality: str | None = None) -> dict[str, Any]:
    """A finding as a result holds it."""
    return {"code": CODE, "label": label, "value": value, "unit": None, "laterality": laterality}


def eyes(left: int, right: int, referable: float = 0.1, patient: int | None = None) -> dict[str, Any]:
    """A machine's grades of both eyes."""
    worse = max(left, right) if patient is None else patient
    said = [finding("dr_grade", worse), finding("dr_grade", left, "L"), finding("dr_grade", right, "R")]
    return {"pipeline": "retinopathy", "abstained": False, "findings": [*said, finding("referable_dr", referable)]}


def volumes(left: float, right: float) -> dict[str, Any]:
    """A machine's volumes of both sides in ml."""
    said = [finding("hippocampus", left, "L"), finding("hippocampus", right, "R")]
    share = 200 * (left - right) / (left + right)
    return {"pipeline": "segmentation", "abstained": False, "findings": [*said, finding("asymmetry", share)]}


def test_an_edit_replaces_what_it_names_and_what_follows_from_it() -> None:
    said = corrected(eyes(2, 1), [finding("dr_grade", 3, "L")])["findings"]
    assert {(each["label"], each["laterality"]): each["value"] for each in said} == {
        ("dr_grade", None): 3,
        ("dr_grade", "R"): 1,
        ("dr_grade", "L"): 3,
    }


def test_the_patients_grade_is_what_a_reader_says_of_it_and_else_follows_no_volume() -> None:
    said = corrected(eyes(2, 1), [finding("dr_grade", 1, "L"), finding("dr_grade", 4)])["findings"]
    assert {each["laterality"]: each["value"] for each in said} == {None: 4, "R": 1, "L": 1}
    measured = corrected(volumes(3.0, 2.9), [finding("hippocampus", 2.0, "L")])["findings"]
    assert {each["laterality"]: each["value"] for each in measured if each["label"] == "hippocampus"} == {
        "L": 2.0,
        "R": 2.9,
    }


MACHINE = eyes(2, 1)
READERS: tuple[tuple[str, Any, Any, bool], ...] = (
    ("both accept", MACHINE, MACHINE, True),
    ("both reject", None, None, True),
    ("one rejects", MACHINE, None, False),
    ("an edit that says what the machine said", MACHINE, corrected(MACHINE, [finding("dr_grade", 2, "L")]), True),
    ("one grade apart", MACHINE, corrected(MACHINE, [finding("dr_grade", 3, "L")]), False),
    (
        "each corrects another eye",
        corrected(MACHINE, [finding("dr_grade", 3, "L")]),
        corrected(MACHINE, [finding("dr_grade", 0, "R")]),
        False,
    ),
    (
        "one says the patient's grade too, which follows from the eyes",
        corrected(MACHINE, [finding("dr_grade", 3, "L")]),
        corrected(MACHINE, [finding("dr_grade", 3, "L"), finding("dr_grade", 3), finding("referable_dr", 1.0)]),
        True,
    ),
    ("a probability alone", MACHINE, corrected(MACHINE, [finding("referable_dr", 0.9)]), False),
    ("a probability on the same side", MACHINE, corrected(MACHINE, [finding("referable_dr", 0.4)]), True),
    ("a finding that the other has not", MACHINE, corrected(MACHINE, [finding("dme_risk", 2, "L")]), False),
    ("volumes within a tenth", volumes(3.0, 2.9), volumes(3.2, 2.9), True),
    ("volumes more than a tenth apart", volumes(3.0, 2.9), volumes(3.5, 2.9), False),
)


@pytest.mark.parametrize(("one", "other", "same"), [each[1:] for each in READERS], ids=[each[0] for each in READERS])
def test_two_readers_gave_the_same_answer_whoever_is_asked_first(one: Any, other: Any, same: bool) -> None:
    assert same_answer(one, other) is same
    assert same_answer(other, one) is same
