"""What a line of the worklist shows where the machine is not to be seen: its place by age, and no word of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.store.states import JobState, Priority, ReviewState

#: Order of the list for who reads blind: nothing in it follows from what a machine or a reader said, but that a study
#: is done. What its sender calls urgent comes first; what waits for a machine comes behind what can be read.
AGE_STAT: Final = 0
AGE_OPEN: Final = 1
AGE_WAITING: Final = 2
AGE_UNROUTED: Final = 3
AGE_SIGNED: Final = 4
#: What batches alone read: that a batch marked it, and so brought it into the list, says what the machine found.
AGE_SHELVED: Final = 5

UNREADABLE: Final = frozenset({JobState.FAILED, JobState.QUARANTINED})
#: Columns of what the machine says, and of what follows from it or from a reader's word; as if nobody had spoken.
SILENT: Final[Mapping[str, Any]] = {  # Any: column values are of the columns' types
    "proposed_result_id": None,
    "urgency": None,
    "abstained": False,
    "gradable": True,
    "headline": None,
    "confidence": None,
    "verdict": None,
    "disagreement": None,
    "change": None,
    "change_weight": None,
    "change_batch_id": None,
    "change_headline": None,
}


def age_rank(values: Mapping[str, Any], *, batch_only: bool) -> int:
    """The place of a line (its columns by name, the study's with them) in the order by age. Any: see SILENT."""
    if values["review_state"] == ReviewState.SIGNED:
        return AGE_SIGNED
    if batch_only:
        return AGE_SHELVED
    if values["priority"] == Priority.STAT:
        return AGE_STAT
    if values.get("result_id") is not None or values.get("job_state") in UNREADABLE:
        return AGE_OPEN
    return AGE_UNROUTED if values["unrouted_reason"] else AGE_WAITING
