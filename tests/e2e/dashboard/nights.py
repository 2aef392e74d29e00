"""A night in which answers changed and a model whose images grew darker, written as the system would."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass

from sqlalchemy import select

from pipelines.core.change import compare
from services.api.result_examples import SEGMENTATION
from services.store import batches, models, worklist
from services.store.batches import NewBatch
from services.store.clock import utcnow
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.states import BatchItemState, BatchState, JobRole, JobState, ModelState, Priority
from services.store.stores import Store
from services.store.tables import ArtifactRow, BatchItem, Job, ModelVersion, Result
from tests.e2e.dashboard.written import volumes_study
from tests.services.counted import VERSION, Weeks

WATCHED = "watched_model"


@dataclass(frozen=True)
class Night:
    """A batch that has ended, written as the scheduler and the workers would."""

    store: Store
    id: str

    def changed(self, patient_id: str, factor: float) -> None:
        """A study whose volumes came out so many times as large."""
        written = volumes_study(self.store, patient_id, SEGMENTATION)
        with unit_of_work(self.store.database) as session:
            old = session.get_one(Result, written.results["segmentation"])
            document = copy.deepcopy(old.document)
            for finding in document["findings"]:
                if finding["unit"] == "ml":
                    finding["value"] *= factor
                    finding["interval"] = [end * factor for end in finding["interval"]]
            job = Job(
                id=new_id(), key=hashlib.sha256(patient_id.encode()).hexdigest(), slot_id=old.slot_id,
                study_id=old.study_id, pipeline=old.pipeline, pipeline_revision=1, role=JobRole.BATCH,
                queue=old.pipeline, priority=int(Priority.BATCH), parameters={}, state=JobState.SUCCEEDED,
            )  # fmt: skip
            session.add(job)
            session.flush()
            told = ("model_name", "model_version", "model_sha256", "receipt_digest", "abstained", "urgency")
            new = Result(
                id=new_id(), job_id=job.id, slot_id=old.slot_id, study_id=old.study_id, pipeline=old.pipeline,
                role=JobRole.BATCH, document=document, **{name: getattr(old, name) for name in told},
            )  # fmt: skip
            session.add(new)
            session.flush()
            for file in session.scalars(select(ArtifactRow).filter_by(result_id=old.id)).all():
                kept = {name: getattr(file, name) for name in ("name", "kind", "media_type", "bytes", "blob_sha256")}
                session.add(ArtifactRow(result_id=new.id, **kept))
            change = compare(old.document, document)
            item = BatchItem(
                batch_id=self.id, study_id=old.study_id, subject_kind="study", subject_id=old.study_id,
                job_id=job.id, state=BatchItemState.DONE, old_result_id=old.id, new_result_id=new.id,
                change=change.kind, weight=change.weight, headline=change.headline, finished_at=utcnow(),
            )  # fmt: skip
            session.add(item)
            session.flush()
            worklist.project(session, old.study_id)


def night_with_changes(store: Store) -> Night:
    """A night in which two studies changed, one more than the other."""
    with unit_of_work(store.database) as session:
        version = models.active_version(session, "hippocampus_segmentation")
        assert version is not None
        asked = NewBatch("Night of the journey", "segmentation", version.id, {"kind": "stored"}, {}, {}, {}, "user:1")
        batch = batches.add_batch(session, asked)
        batch.state = BatchState.FINISHED
        batch.started_at = batch.planned_at = batch.finished_at = utcnow()
        made = Night(store, batch.id)
    made.changed("N-3001", 1.15)
    made.changed("N-3002", 2.0)
    return made


def model_with_darker_images(store: Store) -> str:
    """A model that no pipeline of the release runs, with two versions and fourteen weeks of results."""
    with unit_of_work(store.database) as session:
        bundle = models.active_version(session, "fundus_dr_grading")
        assert bundle is not None
        for number, state in ((VERSION, ModelState.ACTIVE), ("2.0.0", ModelState.REGISTERED)):
            version = ModelVersion(
                name=WATCHED, version=number, sha256=hashlib.sha256(number.encode()).hexdigest(),
                weights_sha256="3" * 64, pipeline="watched", bundle_sha256=bundle.bundle_sha256, thresholds={},
                facts={"eval_metrics": {"accuracy": {"value": 0.73, "low": 0.69, "high": 0.78}}}, card="# Its card",
            )  # fmt: skip
            session.add(version)
            session.flush()
            models.add_event(session, version.id, state, "system", "for the journey")
    study = volumes_study(store, "W-4001", SEGMENTATION)
    with unit_of_work(store.database, writing=False) as session:
        slot_id = session.get_one(Result, study.results["segmentation"]).slot_id
    weeks = Weeks(store, study.study_id, slot_id, WATCHED)
    usual, dark = [at / 60 for at in range(60)], [at / 300 for at in range(60)]
    for back in range(14, 2, -1):
        weeks.add(back, usual)
    for back in (2, 1):
        weeks.add(back, dark)
    return WATCHED
