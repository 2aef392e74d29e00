"""The population stability index: what it is of known tables, and what chance makes of it."""

from __future__ import annotations

import random

import pytest

from pipelines.core.drift import binned, chance_index, edges_of, stability_index

THOUSAND = list(range(1000))


def test_the_reference_fills_its_own_bins_evenly() -> None:
    assert binned(THOUSAND, edges_of(THOUSAND)) == [100] * 10


def test_the_same_shares_are_no_drift_whatever_their_number() -> None:
    assert stability_index([500, 300, 200], [50, 30, 20]) == pytest.approx(0, abs=1e-3)


def test_a_shift_of_half_the_patients_is_the_sum_of_the_textbook() -> None:
    # (0.25 - 0.5) ln(0.25 / 0.5) + (0.75 - 0.5) ln(0.75 / 0.5)
    assert stability_index([5000, 5000], [2500, 7500]) == pytest.approx(0.2747, abs=1e-3)


def test_an_empty_bin_has_an_index_and_an_empty_table_has_none() -> None:
    # q = 200.5 / 201 and 0.5 / 201, since an empty bin counts as half a result
    assert stability_index([100, 100], [200, 0]) == pytest.approx(2.982, abs=1e-3)
    assert stability_index([100, 100], [0, 0]) is None


def test_values_below_a_constant_are_seen_as_those_above_it() -> None:
    edges = edges_of([1.0] * 200)
    assert binned([0.2, 1.0, 1.4], edges) == [1, 1, 1]


def test_a_single_value_has_no_bins() -> None:
    assert edges_of([1.0]) == ()


def test_two_samples_of_one_population_pass_the_chance_index_about_once_in_a_thousand_times() -> None:
    rng = random.Random(7)
    edges = edges_of(THOUSAND)
    limit = chance_index(10, 1000, 200)
    beyond = 0
    for _ in range(2000):
        reference, now = (binned(rng.choices(THOUSAND, k=size), edges) for size in (1000, 200))
        index = stability_index(reference, now)
        assert index is not None
        beyond += index > limit
    assert beyond <= 10
    assert limit < 0.25
