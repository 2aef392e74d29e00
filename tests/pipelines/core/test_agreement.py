"""Figures of agreement, against values worked out elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.core.agreement import Differences, Grading, Share, Tally, Verdicts
from pipelines.core.figures import quadratic_kappa


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Newcombe, Stat. Med. 1998;17:857, table I: 81 of 263 gives 0.2553 to 0.3662.
    share = Share(81, 263).as_json()
    assert (round(share["low"], 4), round(share["high"], 4)) == (0.2553, 0.3662)
    assert Share(0, 0).as_json()["value"] is None
    assert Share(5, 5).as_json()["high"] == 1.0


def test_kappa_of_a_table_is_that_of_its_pairs() -> None:
    random = np.random.default_rng(0)
    old = random.integers(0, 5, 200)
    new = np.clip(old + random.integers(-1, 2, 200), 0, 4)
    table = Grading(5)
    for one, other in zip(old, new, strict=True):
        table.add(int(one), int(other))
    assert table.as_json()["quadratic_kappa"] == pytest.approx(quadratic_kappa(old, new, 5), abs=1e-6)
    assert table.as_json()["equal"]["count"] == int((old == new).sum())
    assert Grading(5).as_json()["quadratic_kappa"] is None


def test_limits_of_agreement_lie_two_deviations_around_the_mean_difference() -> None:
    random = np.random.default_rng(0)
    old, new = random.normal(3, 1, 100), random.normal(3.2, 1, 100)
    spread = Differences()
    for one, other in zip(old, new, strict=True):
        spread.add(float(one), float(other))
    told, differences = spread.as_json(), new - old
    assert told["mean"] == pytest.approx(differences.mean(), abs=1e-6)
    assert told["high"] - told["mean"] == pytest.approx(1.959964 * differences.std(ddof=1), abs=1e-5)
    single = Differences()
    single.add(1.0, 2.0)
    assert single.as_json() == {"n": 1, "mean": 1.0, "low": None, "high": None}


def test_a_tally_counts_the_patients_grades_and_every_measurement() -> None:
    tally = Tally("retinopathy")
    tally.add("dr_grade", None, 1, 2)
    tally.add("dr_grade", "L", 1, 2)
    tally.add("dr_grade", None, None, 2)
    told = tally.as_json()
    assert told["grades"]["dr_grade"]["confusion"][1][2] == told["grades"]["dr_grade"]["equal"]["n"] == 1
    volumes = Tally("segmentation")
    volumes.add("hippocampus", "L", 3.0, 3.1)
    volumes.add("hippocampus", "R", 3.0, 2.9)
    volumes.add("class", None, "cat", "dog")
    assert {label: spread["n"] for label, spread in volumes.as_json()["measures"].items()} == {"hippocampus": 2}


def test_a_reading_without_an_answer_neither_agrees_nor_disagrees() -> None:
    verdicts = Verdicts()
    for agrees in (True, False, None):
        verdicts.add(agrees)
    told = verdicts.as_json()
    assert (told["count"], told["n"], told["unanswered"]) == (1, 2, 1)
