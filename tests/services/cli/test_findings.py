"""A result in plain words: what was found, how sure, and that the machine may not know."""

from __future__ import annotations

from typing import Any

from services.cli.findings import sentences


def result(**changed: Any) -> dict[str, Any]:  # Any: JSON of the contract
    eye = {"unit": None, "laterality": "L"}
    found = [
        {"label": "dr_grade", "value": 2, "probabilities": {"2": 0.81}, **eye},
        {"label": "referable_dr", "value": 0.934, "probabilities": None, **eye},
        {"label": "dme_risk", "value": 1, "probabilities": {"1": 0.7}, **eye},
        {"label": "dr_grade", "value": 2, "probabilities": {"2": 0.81}, "unit": None, "laterality": None},
    ]
    image = {"laterality": "L", "quality": {"gradable": True, "score": 0.9, "reasons": []}}
    whole = {"findings": found, "images": [image], "abstained": False, "abstain_reason": None, "urgency": "urgent"}
    return {**whole, **changed}


def test_an_eye_is_one_line_with_grade_probability_and_referral() -> None:
    assert next(sentences(result())) == (
        "left eye: grade 2, moderate non-proliferative retinopathy (81%); to be referred: 93% probable; "
        "macular edema risk 1, hard exudates beyond one disc diameter from the macula (70%)"
    )


def test_the_urgency_comes_last_in_words() -> None:
    assert list(sentences(result()))[-1] == "Urgency: urgent (read today)"


def test_right_comes_before_left() -> None:
    grade = {"label": "dr_grade", "probabilities": None, "unit": None}
    found = [{**grade, "value": 0, "laterality": "L"}, {**grade, "value": 4, "laterality": "R"}]
    lines = list(sentences(result(findings=found)))
    assert lines[0].startswith("right eye: grade 4")
    assert lines[1].startswith("left eye: grade 0")


def test_the_patient_is_named_where_no_side_is_known() -> None:
    found = [{"label": "dr_grade", "value": 1, "probabilities": None, "unit": None, "laterality": None}]
    assert next(sentences(result(findings=found))).startswith("patient: grade 1, mild")


def test_a_picture_that_cannot_be_graded_says_why() -> None:
    image = {"laterality": "R", "quality": {"gradable": False, "score": 0.1, "reasons": ["blur", "dark"]}}
    lines = list(sentences(result(findings=[], images=[image])))
    assert lines[0] == "right eye: not graded, too blurred, too dark"


def test_an_abstention_is_said_plainly() -> None:
    lines = list(sentences(result(abstained=True, abstain_reason="low_confidence", urgency="check")))
    assert "The model abstains: not sure enough to grade." in lines
