"""What other readers say of the volumes that written.py writes."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from tests.e2e.conftest import Running
from tests.e2e.dashboard.room import colleague
from tests.e2e.dashboard.written import Written

LARGER = [{"label": "hippocampus", "value": 9.5, "laterality": "R"}]
EDIT = {"verdict": "edit", "reason": "value_too_low", "comment": "The tail is left out.", "findings": LARGER}


def say(system: Running, name: str, written: Written, **word: Any) -> None:
    """A colleague writes on top of what stands (Any: JSON)."""
    with closing(colleague(system, name)) as client:
        newest = client.get(f"/studies/{written.study_id}").json()["reviews"]
        base = newest[-1]["id"] if newest else None
        result_id = written.results["segmentation"]
        answer = client.post(f"/results/{result_id}/reviews", json={"base_review_id": base, **word})
        assert answer.status_code == 201, answer.text
