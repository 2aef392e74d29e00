"""A result in plain words: what was found, how sure, and that the machine may not know."""

from __future__ import annotations

from typing import Any

from services.work.spoken import sentences


def result(**changed: Any) -> dict[str, Any]:  # Any: JSON of the contract
    eye = {"unit": None, "laterality": "L"}
    found = [
        {"label": "dr_grade", "value": 2, "probabilities": {"2": 0.81}, **eye},
        {"label": "referable_dr", "value": 0.934, "probabilities": None, **eye},
        {"label": "dme_risk", "value": 1, "probabilities": {"1": 0.7}, **eye},
        {"label": "dr_grade", "value": 2, "probabilities": {"2": 0.81}, "unit": None, "laterality": None},
    ]
    image = {"laterality": "L", "quality": {"gradable": True, "score": 0.9, "reasons": []}}
    whole = {
        "pipeline": "retinopathy",
        "findings": found,
        "images": [image],
        "abstained": False,
        "abstain_reason": None,
        "urgency": "urgent",
    }
    return {**whole, **changed}


def test_an_eye_is_one_line_with_grade_probability_and_referral() -> None:
    assert next(sentences(result())) == (
        "left eye: grade 2, moderate non-proliferative retinopathy (81%); referable disease 93% probable; "
        "macular oedema risk 1, hard exudates beyond one disc diameter from the macula (70%)"
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


def volume(
    label: str, value: float, side: str | None, unit: str = "ml", **more: Any
) -> dict[str, Any]:  # Any: as above
    return {"label": label, "value": value, "unit": unit, "laterality": side, "probabilities": None, **more}


def test_volumes_are_told_by_side_with_unit_and_interval_and_the_asymmetry_last() -> None:
    found = [
        volume("anterior", 1.6049, "L", interval=[1.5, 1.7]),
        volume("hippocampus", 3.1111, "L"),
        volume("hippocampus", 3.0, "R"),
        volume("asymmetry", 3.64, None, "%"),
    ]
    assert list(sentences(result(pipeline="segmentation", findings=found, urgency="routine")))[:3] == [
        "right: hippocampus 3.00 ml",
        "left: anterior 1.60 ml (1.50 to 1.70); hippocampus 3.11 ml",
        "patient: asymmetry 3.6 % left larger",
    ]


def test_the_asymmetry_names_the_larger_side_also_of_its_interval() -> None:
    found = [volume("asymmetry", -7.6, None, "%", interval=[-15.6, 0.4])]
    assert next(sentences(result(pipeline="segmentation", findings=found))) == (
        "patient: asymmetry 7.6 % right larger (between 15.6 % right larger and 0.4 % left larger)"
    )


def test_a_reconstruction_says_how_much_was_measured_and_how_near_it_came() -> None:
    found = [volume("acceleration", 4.0, None, "1"), volume("ssim", 0.95123, None, "1")]
    lines = list(sentences(result(pipeline="reconstruction", findings=found)))
    assert lines[0] == "patient: reconstructed from 4.0-fold undersampled data; ssim 0.951"


def test_a_doubtful_outline_is_not_to_be_relied_on() -> None:
    image = {"laterality": "R", "quality": {"gradable": False, "score": 0.4, "reasons": ["low_predicted_quality"]}}
    lines = list(sentences(result(pipeline="segmentation", findings=[], images=[image])))
    assert lines[0] == "right: not to be relied on, the outline is predicted to be poor"


def test_the_class_that_an_added_model_found_is_told_with_its_probability() -> None:
    found = [volume("class", "fatty", None, "", probabilities={"fatty": 0.7, "dense": 0.3})]
    assert next(sentences(result(pipeline="breast_density", findings=found))) == "patient: class fatty (70%)"
