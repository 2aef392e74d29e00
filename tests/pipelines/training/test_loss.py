"""The parts of the loss against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from pipelines.training.loss import LossWeights, class_weights, loss, soft_labels

CERTAIN = 50.0  # a logit that leaves nothing to the other classes


def only(**weights: float) -> LossWeights:
    """Only the named terms; labels as sharp as one-hot."""
    return LossWeights(**({"referable": 0.0, "distance": 0.0, "dme": 0.0, "sharpness": 100.0} | weights))


def logits(grade: int, dme: int = 0) -> torch.Tensor:
    """(1, 8) logits that are certain of a grade and a DME risk."""
    answer = torch.zeros(1, 8)
    answer[0, grade] = answer[0, 5 + dme] = CERTAIN
    return answer


def value(given: torch.Tensor, grade: int, dme: int, weights: LossWeights) -> float:
    return loss(given, torch.tensor([grade]), torch.tensor([dme]), torch.ones(5), weights).item()


def test_certainty_of_the_right_answer_costs_nothing() -> None:
    assert value(logits(3, 2), 3, 2, only(referable=1.0, distance=1.0, dme=1.0)) == pytest.approx(0, abs=1e-5)


def test_no_opinion_costs_the_entropy_of_five_grades_and_three_risks() -> None:
    assert value(torch.zeros(1, 8), 0, 0, only()) == pytest.approx(math.log(5))
    assert value(torch.zeros(1, 8), 0, 0, only(dme=1.0)) == pytest.approx(math.log(5) + math.log(3))


def test_the_referable_term_is_the_log_of_the_grades_from_two() -> None:
    extra = value(torch.zeros(1, 8), 2, 0, only(referable=1.0)) - value(torch.zeros(1, 8), 2, 0, only())
    assert extra == pytest.approx(-math.log(3 / 5))


def test_the_distance_term_is_the_square_of_the_grades_missed() -> None:
    far = value(logits(4), 1, 0, only(distance=1.0)) - value(logits(4), 1, 0, only())
    assert far == pytest.approx(9, rel=1e-4)


def test_a_photograph_without_a_dme_label_adds_no_dme_loss() -> None:
    assert value(torch.zeros(1, 8), 0, -1, only(dme=1.0)) == pytest.approx(math.log(5))


def test_soft_labels_sum_to_one_and_fall_off_on_both_sides() -> None:
    (row,) = soft_labels(torch.tensor([2]), 2.0).tolist()
    assert sum(row) == pytest.approx(1)
    assert row[1] == pytest.approx(row[3]) == pytest.approx(row[2] * math.exp(-2))


def test_rare_grades_weigh_more_and_the_mean_weight_is_one() -> None:
    grades = torch.tensor([0] * 9 + [1])
    weights = class_weights(grades, 0.5)
    assert (weights[1] / weights[0]).item() == pytest.approx(3)
    assert weights[grades].mean().item() == pytest.approx(1)
