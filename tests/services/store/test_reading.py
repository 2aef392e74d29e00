"""The one line that a list shows of a result."""

from __future__ import annotations

from typing import Any

import pytest

from services.store.reading import headline_of


def finding(label: str, value: object, laterality: str | None = None, unit: str | None = None) -> dict[str, Any]:
    """A finding of the contract (Any: JSON)."""
    code = {"scheme": "99OVR", "value": label, "meaning": f"The {label}"}
    return {"code": code, "label": label, "value": value, "unit": unit, "laterality": laterality}


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([finding("dr_grade", 2, "L"), finding("dr_grade", 3)], "DR grade 3"),
        (
            [
                finding("anterior", 1.6, "L", "ml"),
                finding("hippocampus", 3.14, "L", "ml"),
                finding("hippocampus", 2.96, "R", "ml"),
                finding("asymmetry", 5.9, None, "%"),
            ],
            "hippocampus 3.1 ml left, 3.0 ml right",
        ),
        ([finding("hippocampus", 3.14, None, "ml")], "hippocampus 3.1 ml"),
        ([finding("acceleration", 3.98, None, "1"), finding("ssim", 0.9)], "reconstructed, 4.0-fold undersampled"),
        ([finding("spleen", 151.23456, None, "ml")], "The spleen: 151 ml"),
        ([finding("class", "fatty", "L"), finding("class", None, "R")], "The class: fatty"),
        ([], None),
    ],
)
def test_a_result_is_one_line(findings: list[dict[str, Any]], line: str | None) -> None:
    assert headline_of({"abstained": False, "findings": findings}) == line


def test_an_abstention_says_why_in_words() -> None:
    document = {"abstained": True, "abstain_reason": "low_predicted_quality", "findings": []}
    assert headline_of(document) == "no answer: the outline is predicted to be poor"
