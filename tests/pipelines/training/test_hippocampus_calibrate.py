"""What is fitted on held-out cases: the line to the Dice, its threshold, volume intervals, the background's offset."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.training.hippocampus_calibrate import (
    UNCHANGED,
    Judged,
    background_offset,
    error_intervals,
    fit_quality,
    score,
    shifted,
)
from pipelines.training.hippocampus_degrade import DEGRADATIONS
from pipelines.training.hippocampus_figures import kind_figures, quality_figures
from pipelines.training.hippocampus_predict import dice_by_structure
from tests.pipelines.training.hippocampus_samples import drawn_case

STRUCTURES = {"anterior": 1, "posterior": 2}


def judged_at(number: int, agreement: float, true: float, kind: str = UNCHANGED, error: float = 0.0) -> Judged:
    return Judged(
        number, kind, dict.fromkeys(STRUCTURES, true), dict.fromkeys(STRUCTURES, agreement), {"anterior": error}
    )


def on_a_line(count: int) -> list[Judged]:
    """Dice = 3 * agreement - 2, from 0.4 to 1."""
    return [judged_at(number, value, 3 * value - 2) for number, value in enumerate(np.linspace(0.8, 1, count))]


def test_the_line_from_agreement_to_dice_is_found() -> None:
    rule = fit_quality(on_a_line(41))
    assert rule.slope == pytest.approx(3, abs=0.05)
    assert rule.predicted(0.9) == pytest.approx(0.7, abs=0.01)


def test_the_threshold_keeps_nearly_all_good_outlines_and_finds_the_bad_ones() -> None:
    judged = on_a_line(401)
    rule = fit_quality(judged)
    good = [score(each, rule) >= rule.threshold for each in judged if each.worst_dice >= 0.8]
    bad = [score(each, rule) < rule.threshold for each in judged if each.worst_dice < 0.75]
    assert 0.93 <= np.mean(good) < 1
    assert all(bad)


def test_a_volume_interval_holds_the_next_value_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        *seen, following = random.normal(0.03, 0.05, 21)
        low, high = error_intervals([judged_at(0, 1, 1, error=value) for value in seen])["anterior"]
        covered.append(low <= following <= high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.025)


def test_the_offset_of_the_background_makes_the_mean_volume_right() -> None:
    case = drawn_case(0)
    distance = np.linspace(0.2, 0.9, case.labels.size, dtype=np.float32).reshape(case.labels.shape)
    views = np.stack([1 - distance, distance / 2, distance / 2])[None]
    offset = background_offset([views], [case.labels])
    found = shifted(views, offset)[0].argmax(axis=0) > 0
    assert found.sum() == pytest.approx((case.labels > 0).sum(), rel=0.02)
    assert shifted(views, offset).sum(axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_a_degraded_case_keeps_its_labels_beside_its_image_and_is_reproducible(kind: str) -> None:
    case = drawn_case(3)
    one, two = (DEGRADATIONS[kind](case, np.random.default_rng(1)) for _ in range(2))
    assert one.image.shape == one.labels.shape
    assert np.array_equal(one.image, two.image)
    assert one.image.shape != case.image.shape or np.abs(one.image - case.image).max() > 0


def test_figures_of_quality_see_a_perfect_prediction_and_count_by_kind() -> None:
    judged = [
        made
        for number, value in enumerate(np.linspace(0.94, 1, 12))
        for made in (judged_at(number, value, 3 * value - 2), judged_at(number, value - 0.3, 0.1, "noise"))
    ]
    rule = fit_quality(judged)
    figures = quality_figures(judged, rule)
    assert figures["quality_auc"].value == 1
    assert figures["bad_flagged"].value == 1
    rows = {row.kind: row for row in kind_figures(judged, rule)}
    assert (rows["noise"].n, rows["noise"].flagged) == (12, 1)


def test_dice_is_one_for_equal_and_nought_for_apart() -> None:
    labels = drawn_case(0).labels
    assert dice_by_structure(labels, labels, STRUCTURES) == {"anterior": 1, "posterior": 1}
    assert dice_by_structure(np.zeros_like(labels), labels, STRUCTURES) == {"anterior": 0, "posterior": 0}
