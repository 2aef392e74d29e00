"""Calibration against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.nets.calibration import (
    Calibration,
    CutPoints,
    MostProbable,
    abstention_threshold,
    expected_calibration_error,
    fit_cut_points,
    fit_temperature,
    fit_temperature_and_bias,
    threshold_for_sensitivity,
)


def test_probabilities_are_the_softmax_of_divided_and_shifted_logits() -> None:
    calibration = Calibration(2.0, (0.0, np.log(3)))
    # logits / 2 = (ln 2, 0); plus bias (0, ln 3): weights 2 and 3
    answer = calibration.probabilities(np.array([[2 * np.log(2), 0.0]], np.float32))
    assert answer[0] == pytest.approx([0.4, 0.6], abs=1e-6)


def test_huge_logits_do_not_overflow() -> None:
    answer = Calibration(1.0, (0.0, 0.0)).probabilities(np.array([[1e4, -1e4]], np.float32))
    assert answer[0].tolist() == [1.0, 0.0]


def test_the_temperature_of_overconfident_logits_is_found() -> None:
    # of the predictions with logits (4, 0), three in four are right: the best probability is 3/4, so 4 / T = ln 3
    logits = np.tile(np.array([[4.0, 0.0]], np.float32), (400, 1))
    grades = np.array([0, 0, 0, 1] * 100)
    calibration = fit_temperature(logits, grades)
    assert calibration.temperature == pytest.approx(4 / np.log(3), rel=1e-4)
    assert calibration.bias == (0.0, 0.0)


def test_a_bias_is_found_where_the_logits_lean_to_one_class() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(4000, 3)) * 1.5
    chance = np.exp(truth) / np.exp(truth).sum(axis=1, keepdims=True)
    grades = (random.random((4000, 1)) > chance.cumsum(axis=1)).sum(axis=1).clip(max=2)
    calibration = fit_temperature_and_bias((truth + np.array([1.0, 0.0, 0.0])).astype(np.float32), grades)
    assert calibration.bias[0] < calibration.bias[1] - 0.6
    assert sum(calibration.bias) == pytest.approx(0, abs=1e-9)


def test_fitting_twice_gives_the_same_bits() -> None:
    random = np.random.default_rng(1)
    logits, grades = random.normal(size=(60, 5)).astype(np.float32), random.integers(0, 5, 60)
    assert fit_temperature_and_bias(logits, grades) == fit_temperature_and_bias(logits, grades)


def test_the_calibration_error_of_two_bins_by_hand() -> None:
    confidence = np.array([0.30, 0.40, 0.80, 0.90])
    correct = np.array([True, False, True, True])
    # bin (0, .5]: mean .35, half right, gap .15; bin (.5, 1]: mean .85, all right, gap .15
    assert expected_calibration_error(confidence, correct, bins=2) == pytest.approx(0.15)


def test_a_confidence_on_an_edge_belongs_to_the_lower_bin() -> None:
    # 0.5 with 0.3: gap |0.4 - 0.5| = 0.1; in the upper bin the gaps would be 0.3 and 0.5, on average 0.4
    assert expected_calibration_error(np.array([0.5, 0.3]), np.array([True, False]), bins=2) == pytest.approx(0.1)


def test_perfect_confidence_has_no_calibration_error() -> None:
    assert expected_calibration_error(np.ones(3), np.ones(3, bool)) == 0.0


def test_the_abstention_threshold_leaves_the_asked_share_below() -> None:
    confidence = np.linspace(0.01, 1.0, 100)
    assert (confidence < abstention_threshold(confidence, 0.07)).sum() == 7


def test_the_threshold_reaches_the_sensitivity_and_no_more_than_needed() -> None:
    score = np.array([0.9, 0.8, 0.7, 0.2, 0.6, 0.1])
    positive = np.array([True, True, True, True, False, False])
    assert threshold_for_sensitivity(positive, score, 0.75) == 0.7
    assert threshold_for_sensitivity(positive, score, 0.76) == 0.2


def test_the_most_probable_grade_wins() -> None:
    assert MostProbable().grades(np.array([[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])).tolist() == [1, 2]


def test_cut_points_count_what_the_expected_grade_lies_above() -> None:
    expected_grades = np.array([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5], [0.0, 0.0, 1.0]])  # 0, 1 and 2
    assert CutPoints((0.4, 1.6)).grades(expected_grades).tolist() == [0, 1, 2]


def test_fitted_cut_points_find_a_shifted_scale() -> None:
    # whoever is grade 1 has an expected grade of 0.3: the cut at 0.5 misses all of them
    probabilities = np.array([[0.95, 0.05, 0.0], [0.7, 0.3, 0.0], [0.0, 0.1, 0.9]] * 20)
    grades = np.array([0, 1, 2] * 20)
    cuts = fit_cut_points(probabilities, grades)
    assert cuts.grades(probabilities).tolist() == grades.tolist()
    assert 0.05 <= cuts.cuts[0] < 0.3
