from __future__ import annotations

import pytest

from pipelines import hippocampi
from pipelines.core.labels import LABELS
from pipelines.core.types import Laterality, Quality, Urgency
from pipelines.hippocampi import Measured, VolumeError, asymmetry, findings, urgency, worst

LEFT, RIGHT = Laterality.LEFT, Laterality.RIGHT
ERRORS = {name: VolumeError(-0.1, 0.1) for name in ("anterior", "posterior", "hippocampus")}


def measured(
    side: Laterality | None, anterior: float = 1.6, posterior: float = 1.5, score: float = 0.9, *doubts: str
) -> Measured:
    return Measured(side, {"anterior": anterior, "posterior": posterior}, Quality(score > 0.7, score), doubts)


def test_each_side_has_its_volumes_and_their_sum_in_millilitres() -> None:
    found = findings([measured(LEFT), measured(RIGHT, 1.4, 1.3)], ERRORS)
    assert [(each.label, each.laterality, each.value, each.unit) for each in found[:6]] == [
        ("anterior", LEFT, 1.6, "ml"),
        ("posterior", LEFT, 1.5, "ml"),
        ("hippocampus", LEFT, 3.1, "ml"),
        ("anterior", RIGHT, 1.4, "ml"),
        ("posterior", RIGHT, 1.3, "ml"),
        ("hippocampus", RIGHT, 2.7, "ml"),
    ]


def test_asymmetry_is_in_percent_of_the_mean_and_positive_where_the_left_is_larger() -> None:
    found = findings([measured(LEFT, 1.6, 1.4), measured(RIGHT, 1.4, 1.6)], ERRORS)[-1]
    assert (found.label, found.value, found.unit, found.laterality) == ("asymmetry", 0, "%", None)
    assert asymmetry(3, 2) == pytest.approx(40)
    assert asymmetry(2, 3) == pytest.approx(-40)


def test_one_hippocampus_of_unknown_side_has_no_asymmetry() -> None:
    found = findings([measured(None)], ERRORS)
    assert [each.label for each in found] == ["anterior", "posterior", "hippocampus"]
    assert {each.laterality for each in found} == {None}


def test_nothing_found_has_no_volume() -> None:
    found = findings([measured(LEFT, 0, 0), measured(RIGHT)], ERRORS)
    assert [each.value for each in found[:3]] == [None] * 3
    assert "asymmetry" not in {each.label for each in found}


def test_an_interval_holds_the_true_volume_for_errors_within_the_measured_ones() -> None:
    low, high = VolumeError(-0.1, 0.2).interval(3.0)
    assert (low, high) == (2.5, 3.3333)
    (_, _, total, *_, relation) = findings([measured(LEFT), measured(RIGHT)], ERRORS)
    assert total.interval is not None
    assert total.interval[0] < 3.1 < total.interval[1]
    assert relation.interval is not None
    assert relation.interval[0] < 0 < relation.interval[1]


def test_findings_are_what_readers_may_write() -> None:
    for finding in findings([measured(LEFT), measured(RIGHT)], ERRORS):
        label = LABELS["segmentation"][finding.label]
        assert finding.code == label.code
        assert label.accepts(finding.value)
        assert not label.accepts(-300)
        assert finding.unit in label.rule


def test_the_gravest_doubt_is_the_reason_to_abstain() -> None:
    doubted = measured(LEFT, 1.6, 1.5, 0.9, hippocampi.TOUCHES_BORDER, hippocampi.LOW_PREDICTED_QUALITY)
    assert doubted.abstain_reason == hippocampi.LOW_PREDICTED_QUALITY
    assert measured(LEFT).abstain_reason is None


def test_a_doubt_on_one_side_is_to_be_checked_and_decides() -> None:
    doubted = measured(RIGHT, 0.6, 0.5, 0.95, hippocampi.IMPLAUSIBLE_VOLUME)
    assert urgency([measured(LEFT), doubted]) is Urgency.CHECK
    assert worst([measured(LEFT), doubted]) is doubted
    assert urgency([measured(LEFT), measured(RIGHT)]) is Urgency.ROUTINE


def test_plausible_is_what_adults_have() -> None:
    assert hippocampi.is_plausible(3.3)
    assert not hippocampi.is_plausible(1.2)
    assert not hippocampi.is_plausible(7)
