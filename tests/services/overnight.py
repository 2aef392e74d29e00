"""Batches for tests that need none of their planning: items with jobs, answered as a worker answers them."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.core.codes import DIABETIC_RETINOPATHY
from pipelines.core.types import Finding, Laterality, Reading, Urgency
from pipelines.exporters.json import reading_json
from services.store import batches, results
from services.store.batches import NewBatch
from services.store.session import unit_of_work
from services.store.states import BatchItemState, JobRole
from services.store.tables import BatchItem, Job, Slot
from tests.services.conftest import Desk, reading


@dataclass
class Night:
    """One batch at a desk."""

    desk: Desk
    id: str = ""

    def begin(self, model_id: str | None = None) -> str:
        """Make the batch; it reads with the desk's own model, or the one given."""
        with unit_of_work(self.desk.store.database) as session:
            wanted = model_id or self.desk._model(session)
            new = NewBatch("archive", "retinopathy", wanted, {"kind": "stored"}, {}, {}, {}, "user:1")
            self.id = batches.add_batch(session, new).id
        return self.id

    def item(self, study: str, job_id: str | None = None) -> str:
        """A job of role batch on a study of this name, and the item that waits for it; returns the job's id."""
        job_id = job_id or self.desk.queue(study=study, role=JobRole.BATCH)
        with unit_of_work(self.desk.store.database) as session:
            job = session.get_one(Job, job_id)
            slot = session.get_one(Slot, job.slot_id)
            session.add(
                BatchItem(
                    batch_id=self.id,
                    study_id=slot.study_id,
                    subject_kind=slot.subject_kind,
                    subject_id=slot.subject_id,
                    job_id=job_id,
                    state=BatchItemState.QUEUED,
                )
            )
        return job_id

    def found(self, job_id: str) -> BatchItem:
        """The item that waited for this job."""
        with unit_of_work(self.desk.store.database, writing=False) as session:
            return session.query(BatchItem).filter_by(job_id=job_id, batch_id=self.id).one()


def grade(value: int | None, *, unsure: bool = False, **changes: object) -> Reading:
    """A reading of one left eye, as urgent as the grade; no value is an ungradable eye."""
    beyond = Urgency.URGENT if (value or 0) >= 2 else Urgency.ROUTINE
    findings = tuple(
        Finding(DIABETIC_RETINOPATHY, "dr_grade", value, laterality=side) for side in (None, Laterality.LEFT)
    )
    abstained = unsure or value is None
    return reading(
        findings=findings,
        abstained=abstained,
        abstain_reason="ungradable" if abstained else None,
        urgency=Urgency.CHECK if abstained else beyond,
        **changes,
    )


def answer(desk: Desk, job_id: str, said: Reading) -> str:
    """Claim jobs until it is this one's turn, and save what was said; returns the result's id."""
    claim = desk.claim()
    assert claim is not None
    assert claim.job_id == job_id
    with unit_of_work(desk.store.database) as session:
        return results.save_result(session, desk.store.blobs, claim, said, reading_json(said), [])


def live(desk: Desk, study: str, said: Reading) -> str:
    """A study that came in and was read; returns the result's id."""
    return answer(desk, desk.queue(study=study), said)


def slot_of(desk: Desk, job_id: str) -> str:
    """The slot of a job."""
    return desk.job(job_id).slot_id
