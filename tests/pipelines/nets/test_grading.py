"""From logits to what is said of a photograph, by the stored parameters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pipelines.core.errors import ModelError
from pipelines.nets.bundle import Bundle
from pipelines.nets.calibration import CutPoints
from pipelines.nets.grading import Grading, interval, read_grading


def logits_of(grades: list[float], dme: list[float], temperature: float) -> np.ndarray:
    """Logits whose calibrated probabilities are the given ones."""
    return np.concatenate([temperature * np.log(grades), np.log(dme)]).astype(np.float32)


@pytest.fixture
def grading(bundle: Bundle) -> Grading:
    """The small bundle's parameters: temperature 2, referable from 0.5, abstention below 0.4."""
    return read_grading(bundle)


def test_probabilities_grade_referable_and_dme_follow_from_the_logits(grading: Grading) -> None:
    read = grading.read(logits_of([0.05, 0.1, 0.6, 0.2, 0.05], [0.2, 0.1, 0.7], 2.0))
    assert read.probabilities == pytest.approx((0.05, 0.1, 0.6, 0.2, 0.05), abs=1e-6)
    assert (read.grade, read.referable, read.abstained) == (2, True, False)
    assert read.confidence == pytest.approx(0.6, abs=1e-6)
    assert read.referable_probability == pytest.approx(0.85, abs=1e-6)
    assert read.dme_probabilities == pytest.approx((0.2, 0.1, 0.7), abs=1e-6)
    assert read.dme_risk == 2
    assert read.interval == (2, 4) or read.interval == (1, 3)


def test_a_confidence_below_the_threshold_abstains(grading: Grading) -> None:
    read = grading.read(logits_of([0.35, 0.2, 0.2, 0.15, 0.1], [0.6, 0.2, 0.2], 2.0))
    assert read.abstained
    assert read.grade == 0
    assert not read.referable


def test_the_interval_grows_towards_the_likelier_neighbour() -> None:
    probabilities = np.array([0.05, 0.25, 0.6, 0.08, 0.02])
    assert interval(probabilities, 2, 0.8) == (1, 2)
    assert interval(probabilities, 2, 0.9) == (1, 3)
    assert interval(probabilities, 2, 0.5) == (2, 2)
    assert interval(probabilities, 2, 1.1) == (0, 4)


def test_a_missing_parameter_is_refused(bundle: Bundle) -> None:
    without = {name: value for name, value in bundle.inference.items() if name != "temperature"}
    with pytest.raises(ModelError, match="does not hold"):
        read_grading(dataclasses.replace(bundle, inference=without))


def test_a_stored_decision_rule_is_read(bundle: Bundle) -> None:
    stored = dict(bundle.inference) | {"decision": {"rule": "cut_points", "cuts": [0.5, 1.5, 2.5, 3.5]}}
    assert read_grading(dataclasses.replace(bundle, inference=stored)).decision == CutPoints((0.5, 1.5, 2.5, 3.5))


def test_an_unknown_decision_rule_is_refused(bundle: Bundle) -> None:
    stored = dict(bundle.inference) | {"decision": {"rule": "dice"}}
    with pytest.raises(ModelError, match="unknown decision"):
        read_grading(dataclasses.replace(bundle, inference=stored))
