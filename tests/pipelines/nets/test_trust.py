from __future__ import annotations

import numpy as np
import pytest

from pipelines.nets.trust import agreement, concentration, inside_retina, support

SQUARE = np.zeros((100, 100, 3), np.uint8)
SQUARE[:, :50] = 200


def test_mass_beside_the_retina_is_told() -> None:
    left = np.zeros((10, 10), np.float32)
    left[:, :5] = 1
    assert inside_retina(left, SQUARE) == pytest.approx(1)
    assert inside_retina(1 - left, SQUARE) == pytest.approx(0)
    assert inside_retina(np.ones((10, 10), np.float32), SQUARE) == pytest.approx(0.5)


def test_an_empty_map_has_no_mass_anywhere() -> None:
    empty = np.zeros((10, 10), np.float32)
    assert inside_retina(empty, SQUARE) == concentration(empty) == 0


def test_concentration_runs_from_a_tenth_to_one() -> None:
    spot = np.zeros((10, 10), np.float32)
    spot[3, 4] = 1
    assert concentration(spot) == 1
    assert concentration(np.ones((10, 10), np.float32)) == pytest.approx(0.1)


def test_support_is_the_positive_share_of_the_evidence() -> None:
    features = np.ones((2, 3, 3), np.float32)
    assert support(features, np.array([1, 0], np.float32)) == 1
    assert support(features, np.array([-1, 0], np.float32)) == 0
    features[1, 0] = 2  # one row in three speaks against the class as loudly as the rest of it for the class
    assert support(features, np.array([1, -1], np.float32)) == 0


def test_members_that_point_to_the_same_places_agree() -> None:
    one = np.random.default_rng(0).random((4, 5, 5), dtype=np.float32)
    weights = np.ones(4, np.float32)
    same = np.concatenate([one, one])
    assert agreement(same, np.concatenate([weights, weights]), 2) == pytest.approx(1)
    other = np.random.default_rng(1).random((4, 5, 5), dtype=np.float32)
    found = agreement(np.concatenate([one, other]), np.concatenate([weights, weights]), 2)
    assert found is not None
    assert found < 0.6


def test_one_member_agrees_with_nobody() -> None:
    assert agreement(np.ones((4, 5, 5), np.float32), np.ones(4, np.float32), 1) is None


def test_a_member_without_a_map_is_no_agreement() -> None:
    features = np.ones((2, 5, 5), np.float32)
    assert agreement(features, np.array([1, -1], np.float32), 2) == 0
