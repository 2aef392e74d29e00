"""Figures of merit against numbers worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from pipelines.core.figures import Figure, area_under_curve, bootstrap, confusion, quadratic_kappa, share_right


def test_confusion_counts_true_rows_and_predicted_columns() -> None:
    assert confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist() == [[1, 1], [0, 1]]


def test_kappa_is_one_for_agreement_nought_for_chance_and_minus_one_for_reversal() -> None:
    truth = np.array([0, 1, 2])
    assert quadratic_kappa(truth, truth, 3) == 1.0
    assert quadratic_kappa(truth, np.array([1, 1, 1]), 3) == 0.0
    assert quadratic_kappa(truth, truth[::-1], 3) == pytest.approx(-1.0)


def test_kappa_with_quadratic_weights_by_hand() -> None:
    # observed: one case off by one; by chance, margins (2, 2) x (1, 3) / 4: off by one 2 * 3 / 4 + 2 * 1 / 4 = 2
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert quadratic_kappa(truth, predicted, 3) == pytest.approx(1 - 1 / 2)


def test_area_under_the_curve_counts_pairs_and_halves_ties() -> None:
    positive = np.array([True, True, False, False])
    # pairs: .9>.5, .9>.1, .5=.5 (half), .5>.1
    assert area_under_curve(positive, np.array([0.9, 0.5, 0.5, 0.1])) == pytest.approx(3.5 / 4)


def test_one_class_alone_has_no_area_and_no_sensitivity() -> None:
    assert math.isnan(area_under_curve(np.ones(2, bool), np.array([0.1, 0.2])))
    assert math.isnan(share_right(np.ones(2, bool), np.zeros(2, bool)))


def test_the_interval_holds_the_value_and_is_the_same_each_time() -> None:
    sample = np.random.default_rng(0).normal(size=50)

    def mean(rows: np.ndarray) -> float:
        return float(sample[rows].mean())

    figure = bootstrap(mean, 50)
    assert figure.value == sample.mean()
    assert figure.low < figure.value < figure.high
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * sample.std() / math.sqrt(50), rel=0.15)
    assert figure == bootstrap(mean, 50)


def test_a_figure_without_a_number_is_null_in_json_and_never_nan() -> None:
    nothing = float("nan")
    assert json.dumps(Figure(0.5, nothing, 2 / 3).rounded()) == '{"value": 0.5, "low": null, "high": 0.666667}'
