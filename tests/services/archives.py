"""An archive of stored studies for tests of batches: read by one version of a model, to be read by the next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import select

from pipelines.core.types import ModelRef, Reading
from pipelines.exporters.json import reading_json
from services.settings import Settings
from services.store import batches, leases, results, studies, worklist
from services.store.session import unit_of_work
from services.store.states import BatchItemState, BatchState, ModelState, StudyState
from services.store.tables import Batch, BatchItem, Job, ModelEvent, ModelVersion, Study
from services.work import reprocess
from services.work.asked import BatchAsked
from services.work.tend import tend
from tests.services.conftest import AGEING_SECONDS, LEASE_SECONDS, QUEUE, Desk
from tests.services.overnight import grade

NIGHT = datetime(2026, 1, 10, 23, tzinfo=UTC)
MORNING = datetime(2026, 1, 11, 8, tzinfo=UTC)
NEXT_NIGHT = datetime(2026, 1, 11, 23, tzinfo=UTC)
WINDOW = {"from": "22:00", "to": "06:00", "zone": "UTC"}
NEW = ModelRef("fundus_dr_grading", "2.0.0", "2" * 64)


@dataclass
class Rung:
    """A bell that counts."""

    rings: list[str] = field(default_factory=list)

    def ring(self, queue: str) -> None:
        """Count it."""
        self.rings.append(queue)


@dataclass
class Archive:
    """Closed studies of one photograph each, at a desk whose model is 1.0.0; 2.0.0 is registered beside it."""

    desk: Desk
    settings: Settings
    bell: Rung = field(default_factory=Rung)
    batch_id: str = ""

    def study(self, name: str, said: Reading | None = None) -> str:
        """A closed study; with `said`, one that the live model has answered about. Returns its id."""
        job_id = self.desk.queue(study=name)
        if said is None:
            self.desk.change(job_id, state="cancelled")
        else:
            self._answer_live(job_id, said)
        study_id = self.desk.job(job_id).study_id
        with unit_of_work(self.desk.store.database) as session:
            studies.close_study(session, study_id)
            worklist.project(session, study_id)
        return study_id

    def _answer_live(self, job_id: str, said: Reading) -> None:
        claim = self.desk.claim()
        assert claim is not None
        assert claim.job_id == job_id
        with unit_of_work(self.desk.store.database) as session:
            results.save_result(session, self.desk.store.blobs, claim, said, reading_json(said), [])

    def register_new(self, version: str = "2.0.0") -> str:
        """Register the next version of the model; returns its id."""
        content = f"a bundle of {version}".encode()
        blob = self.desk.store.blobs.publish_bytes(content, "application/x-tar", scratch=self.desk.folder)
        with unit_of_work(self.desk.store.database) as session:
            self.desk.store.blobs.record(session, blob)
            row = ModelVersion(
                name="fundus_dr_grading",
                version=version,
                sha256=blob.sha256,
                weights_sha256="2" * 64,
                pipeline="retinopathy",
                bundle_sha256=blob.sha256,
                thresholds={},
                facts={},
                card="",
            )
            session.add(row)
            session.flush()
            session.add(ModelEvent(model_version_id=row.id, state=ModelState.REGISTERED, actor="system", reason="test"))
            return row.id

    def start(self, **asked: object) -> str:
        """Start a batch of 2.0.0; returns its id."""
        told = {"name": "again", "pipeline": "retinopathy", "model_version": NEW.version} | asked
        self.batch_id = reprocess.start(self.desk.store, self.settings, "user:1", BatchAsked.model_validate(told))
        return self.batch_id

    def tend(self, moment: datetime = NIGHT, batch_id: str = "") -> None:
        """What the scheduler does in one second of that time."""
        tend(self.desk.store, self.bell, self.settings, batch_id or self.batch_id, moment)

    def read_one(self, value: int = 2) -> str | None:
        """Let a worker read the next job, as 2.0.0; returns the job's id, None where it finds nothing."""
        with unit_of_work(self.desk.store.database) as session:
            claim = leases.claim_next(session, QUEUE, "w1", LEASE_SECONDS, AGEING_SECONDS)
        if claim is None:
            return None
        said = replace(grade(value), model=NEW)
        with unit_of_work(self.desk.store.database) as session:
            results.save_result(session, self.desk.store.blobs, claim, said, reading_json(said), [])
        return claim.job_id

    def read_all(self, value: int = 2) -> int:
        """Let a worker read all that it finds; returns how many."""
        count = 0
        while self.read_one(value) is not None:
            count += 1
        return count

    def batch(self, batch_id: str = "") -> Batch:
        """The batch's row as it is now."""
        with unit_of_work(self.desk.store.database, writing=False) as session:
            return batches.get_batch(session, batch_id or self.batch_id)

    def items(self, batch_id: str = "") -> list[BatchItem]:
        """The batch's items in their order."""
        with unit_of_work(self.desk.store.database, writing=False) as session:
            query = select(BatchItem).where(BatchItem.batch_id == (batch_id or self.batch_id))
            return list(session.scalars(query.order_by(BatchItem.id)))

    def count(self, state: BatchItemState) -> int:
        """How many items are in a state."""
        return sum(item.state == state for item in self.items())

    def jobs(self) -> list[Job]:
        """The jobs of role batch."""
        with unit_of_work(self.desk.store.database, writing=False) as session:
            return list(session.scalars(select(Job).where(Job.role == "batch").order_by(Job.id)))

    def studies(self) -> list[Study]:
        """All studies, oldest first."""
        with unit_of_work(self.desk.store.database, writing=False) as session:
            return list(session.scalars(select(Study).order_by(Study.id)))

    def set_study_state(self, study_id: str, state: StudyState) -> None:
        """As a late image and its closing would leave the study."""
        with unit_of_work(self.desk.store.database) as session:
            session.get_one(Study, study_id).state = state

    @property
    def state(self) -> tuple[BatchState, str | None]:
        """Where the batch stands, and why."""
        row = self.batch()
        return BatchState(row.state), row.reason
