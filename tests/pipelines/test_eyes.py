from __future__ import annotations

import pytest

from pipelines.core.types import Laterality, Quality, Urgency
from pipelines.eyes import Assessed, deciding, findings, most_urgent, urgency, worst
from pipelines.nets.grading import Graded

LEFT, RIGHT = Laterality.LEFT, Laterality.RIGHT
GOOD, BLURRED = Quality(True, 0.9), Quality(False, 0.2, ("blur",))


def assessed(
    grade: int,
    side: Laterality | None = LEFT,
    quality: Quality = GOOD,
    *,
    referable: float | None = None,
    dme: int = 0,
    unsure: bool = False,
) -> Assessed:
    probability = referable if referable is not None else float(grade >= 2)
    return Assessed(
        laterality=side,
        quality=quality,
        graded=Graded(
            probabilities=tuple(0.8 if each == grade else 0.05 for each in range(5)),
            grade=grade,
            confidence=0.8,
            referable_probability=probability,
            referable=probability >= 0.5,
            abstained=unsure,
            dme_probabilities=tuple(0.8 if each == dme else 0.1 for each in range(3)),
            dme_risk=dme,
            interval=(max(0, grade - 1), min(4, grade + 1)),
        ),
    )


def values(photographs: list[Assessed], label: str) -> dict[Laterality | None, object]:
    found = findings(deciding(photographs))
    return {finding.laterality: finding.value for finding in found if finding.label == label}


def test_the_worst_photograph_speaks_for_an_eye_and_the_worst_eye_for_the_patient() -> None:
    photographs = [assessed(1), assessed(3), assessed(0, RIGHT), assessed(2, RIGHT)]
    assert values(photographs, "dr_grade") == {None: 3, LEFT: 3, RIGHT: 2}


def test_equal_grades_are_told_apart_by_the_probability_of_referable_disease() -> None:
    milder, worse = assessed(2, referable=0.6), assessed(2, referable=0.9)
    assert worst([milder, worse]) is worst([worse, milder]) is worse


def test_an_ungradable_photograph_does_not_speak_beside_a_gradable_one() -> None:
    assert values([assessed(4, quality=BLURRED), assessed(1)], "dr_grade") == {None: 1, LEFT: 1}


def test_an_eye_without_a_gradable_photograph_has_findings_without_values() -> None:
    photographs = [assessed(3, quality=BLURRED), assessed(1, RIGHT)]
    assert values(photographs, "dr_grade") == {None: 1, LEFT: None, RIGHT: 1}
    assert values(photographs, "referable_dr")[LEFT] is None
    assert values(photographs, "dme_risk")[LEFT] is None


def test_of_several_ungradable_photographs_the_best_one_speaks() -> None:
    best = assessed(0, quality=Quality(False, 0.4, ("dark",)))
    assert deciding([assessed(4, quality=BLURRED), best])[LEFT] is best


def test_a_photograph_of_an_unknown_side_counts_for_the_patient_alone() -> None:
    assert values([assessed(2, None), assessed(0, RIGHT)], "dr_grade") == {None: 2, RIGHT: 0}


def test_findings_carry_probabilities_by_class_and_an_interval() -> None:
    grade, referable, dme = findings(deciding([assessed(2, dme=1)]))[3:]
    assert (grade.label, grade.value, grade.interval) == ("dr_grade", 2, (1, 3))
    assert grade.probabilities == {"0": 0.05, "1": 0.05, "2": 0.8, "3": 0.05, "4": 0.05}
    assert (referable.label, referable.value, referable.probabilities) == ("referable_dr", 1.0, None)
    assert (dme.label, dme.value, dme.probabilities) == ("dme_risk", 1, {"0": 0.1, "1": 0.8, "2": 0.1})


@pytest.mark.parametrize(
    ("photograph", "expected"),
    [
        (assessed(4), Urgency.STAT),
        (assessed(4, unsure=True), Urgency.STAT),
        (assessed(3), Urgency.URGENT),
        (assessed(2), Urgency.URGENT),
        (assessed(1, referable=0.6), Urgency.URGENT),
        (assessed(0, dme=2), Urgency.URGENT),
        (assessed(1, unsure=True), Urgency.CHECK),
        (assessed(0, quality=BLURRED), Urgency.CHECK),
        (assessed(4, quality=BLURRED), Urgency.CHECK),
        (assessed(1), Urgency.ROUTINE),
        (assessed(0, dme=1), Urgency.ROUTINE),
    ],
)
def test_urgency_follows_the_rule(photograph: Assessed, expected: Urgency) -> None:
    assert urgency(photograph) is expected


def test_the_most_urgent_eye_decides() -> None:
    assert most_urgent([assessed(0, quality=BLURRED), assessed(4, RIGHT)]) is Urgency.STAT
    assert most_urgent([assessed(0), assessed(0, RIGHT, BLURRED)]) is Urgency.CHECK


def test_why_there_is_no_answer_is_said() -> None:
    assert assessed(0, quality=BLURRED, unsure=True).abstain_reason == "ungradable"
    assert assessed(0, unsure=True).abstain_reason == "low_confidence"
    assert assessed(0).abstain_reason is None
