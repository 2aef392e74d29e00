"""What other readers say of the volumes that written.py writes, and the model once more."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from services.store import outbox, worklist
from services.store.current import point
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Result, Slot
from tests.e2e.conftest import Running
from tests.e2e.dashboard.room import colleague
from tests.e2e.dashboard.written import Document, Written, finished_job, result_row

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


def newer_result(store: Store, written: Written, document: Document) -> str:
    """The model reads a written study once more, without files; those who watch the study are told."""
    with unit_of_work(store.database) as session:
        slot = session.get_one(Slot, session.get_one(Result, written.results[document["pipeline"]]).slot_id)
        row = result_row(new_id(), slot, finished_job(session, slot), document)
        session.add(row)
        session.flush()
        point(session, slot.id, row.id)
        worklist.project(session, slot.study_id)
        outbox.emit(session, "result", slot.study_id, {"study": slot.study_id, "result": row.id})
        return row.id
