"""Which labels and values a reader may write."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.core.labels import labels_of


def finding(label: str, value: object, **more: object) -> dict[str, Any]:
    """A finding of an added model (Any: JSON)."""
    return {"label": label, "value": value, "code": {"scheme": "99OVR", "value": label, "meaning": label}, **more}


@pytest.mark.parametrize(
    ("label", "accepted", "refused"),
    [
        ("hippocampus", [0, 3.25, 20], [-0.1, 21, "3", True, None, float("nan")]),
        ("asymmetry", [-200, 0, 12.5], [-201, 500]),
    ],
)
def test_a_volume_is_a_number_within_limits(label: str, accepted: list[object], refused: list[object]) -> None:
    rule = labels_of("segmentation", [])[label]
    assert all(rule.accepts(value) for value in accepted)
    assert not any(rule.accepts(value) for value in refused)


def test_every_reconstruction_has_the_same_labels() -> None:
    assert labels_of("reconstruction_sense", []) == labels_of("reconstruction", [])


def test_an_added_model_takes_the_labels_of_its_own_result() -> None:
    result = [
        finding("spleen", 150.0, unit="ml"),
        finding("class", "fatty", probabilities={"fatty": 0.7, "dense": 0.3}),
    ]
    labels = labels_of("spleen_ct", result)
    assert set(labels) == {"spleen", "class"}
    assert labels["spleen"].accepts(149) and not labels["spleen"].accepts(-1)
    assert labels["class"].accepts("dense") and not labels["class"].accepts("liver")
