"""Fixtures of the services' tests: a desk that queues jobs over real rows, and readings to answer them with."""

from __future__ import annotations

import hashlib
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import fsspec
import pytest
from pydicom.uid import generate_uid
from sqlalchemy.orm import Session

from pipelines.core.errors import BadInput, OverreadError
from pipelines.core.types import (
    BatchReading,
    Reading,
    Subject,
)
from pipelines.imaging.decoder import Decoder
from services.settings import GIBIBYTE
from services.store import jobs, leases, received
from services.store.blobs import Blobs
from services.store.jobs import NewJob
from services.store.leases import Claim
from services.store.received import InstanceFacts, PatientFacts, SeriesFacts, StudyFacts
from services.store.session import unit_of_work
from services.store.states import JobRole, ModelState, Priority
from services.store.stores import Store
from services.store.tables import Job, ModelEvent, ModelVersion
from services.work.report_process import ReportProcess
from tests.services.readings import reading

QUEUE = "retinopathy"
LEASE_SECONDS = 60.0
AGEING_SECONDS = 600.0
REPORT_SECONDS = 60.0


@dataclass
class Desk:
    """Puts studies and jobs into a store, and speaks for workers."""

    store: Store
    folder: Path
    model_id: str = ""
    count: int = 0
    slots: dict[str, str] = field(default_factory=dict)

    def queue(
        self,
        priority: Priority = Priority.ROUTINE,
        *,
        study: str = "",
        role: JobRole = JobRole.LIVE,
        queue: str = QUEUE,
    ) -> str:
        """Queue a job over one new image and return its id; jobs that name the same `study` share its slot."""
        self.count += 1
        study = study or f"study-{self.count}"
        with unit_of_work(self.store.database) as session:
            study_id, instance_id, sha256 = self._image(session, study)
            slot_id = jobs.slot_for(session, study_id, "study", study_id, "retinopathy")
            new = NewJob(
                key=jobs.job_key([sha256], "retinopathy", 1, "0" * 64, {"n": self.count}),
                slot_id=slot_id,
                study_id=study_id,
                pipeline="retinopathy",
                pipeline_revision=1,
                model_version_id=self._model(session),
                queue=queue,
                priority=priority,
                instance_ids=[instance_id],
                role=role,
            )
            return jobs.add_job(session, new).id

    def image(self, study: str) -> str:
        """Store one new image that nothing reads; returns the study's id."""
        self.count += 1
        with unit_of_work(self.store.database) as session:
            return self._image(session, study)[0]

    def claim(self, worker: str = "w1", lease_seconds: float = LEASE_SECONDS, queue: str = QUEUE) -> Claim | None:
        """Claim the next due job."""
        with unit_of_work(self.store.database) as session:
            return leases.claim_next(session, queue, worker, lease_seconds, AGEING_SECONDS)

    def job(self, job_id: str) -> Job:
        """The job's row as it is now."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.get_one(Job, job_id)

    def change(self, job_id: str, **columns: object) -> None:
        """Set columns of a job, for what a test cannot wait for."""
        with unit_of_work(self.store.database) as session:
            job = session.get_one(Job, job_id)
            for name, value in columns.items():
                setattr(job, name, value)

    def _image(self, session: Session, study: str) -> tuple[str, str, str]:
        content = f"image {self.count}".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        published = self.store.blobs.publish_bytes(content, "application/dicom", scratch=self.folder)
        self.store.blobs.record(session, published)
        patient = received.upsert_patient(session, self.store.site_id, PatientFacts("tests", study))
        uid = self.slots.setdefault(study, generate_uid(entropy_srcs=[study]))
        row = received.upsert_study(session, self.store.site_id, patient.id, StudyFacts(uid))
        series = received.upsert_series(session, row.id, SeriesFacts(generate_uid(entropy_srcs=[uid]), "OP"))
        facts = InstanceFacts(
            sop_instance_uid=generate_uid(),
            sop_class_uid="1.2.840.10008.5.1.4.1.1.77.1.5.1",
            transfer_syntax="1.2.840.10008.1.2.1",
            blob_sha256=sha256,
            laterality="L",
        )
        instance = received.add_instance(session, series.id, facts).instance
        return row.id, instance.id, sha256

    def _model(self, session: Session) -> str:
        if not self.model_id:
            published = self.store.blobs.publish_bytes(b"a bundle", "application/x-tar", scratch=self.folder)
            self.store.blobs.record(session, published)
            version = ModelVersion(
                name="fundus_dr_grading",
                version="1.0.0",
                sha256=published.sha256,
                weights_sha256="1" * 64,
                pipeline="retinopathy",
                bundle_sha256=published.sha256,
                thresholds={},
                facts={},
                card="",
            )
            session.add(version)
            session.flush()
            session.add(ModelEvent(model_version_id=version.id, state=ModelState.ACTIVE, actor="system", reason="test"))
            self.model_id = version.id
        return self.model_id


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    """One decoding child for all tests: starting one takes longer than most of them."""
    with Decoder() as decoder:
        decoder.start()  # by the thread that stays: a child dies with the thread that started it
        yield decoder


@pytest.fixture
def one_decoder(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applications that are served in this process decode with the one child."""
    from services.api import app  # takes half a second, and few tests want it

    monkeypatch.setattr(app, "Decoder", lambda *_: nullcontext(decoder))


@pytest.fixture(scope="session")
def report_process() -> Iterator[ReportProcess]:
    """One process for all tests that writes files of reports; a test that ends it leaves the next one a fresh one."""
    with ReportProcess(GIBIBYTE, REPORT_SECONDS) as process:
        process.start()  # by the thread that stays, as above
        yield process


@pytest.fixture
def one_report_process(report_process: ReportProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applications that are served in this process have their files of reports written by the one process."""
    from services.api import app  # as above

    monkeypatch.setattr(app, "ReportProcess", lambda *_: nullcontext(report_process))


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    """A desk over the store."""
    return Desk(store, tmp_path / "scratch")


@dataclass
class FakePipeline:
    """A pipeline at the boundary: answers every subject by what the test gave it."""

    answer: Callable[[Subject, Callable[[str, float], None]], Reading] = lambda subject, progress: reading(subject)
    seen: list[Subject] = field(default_factory=list)

    def run(self, subject: Subject, progress: Callable[[str, float], None]) -> Reading:
        """Answer, remembering the subject."""
        self.seen.append(subject)
        progress("infer", 0.4)
        return self.answer(subject, progress)

    def chunk(self, watch: Callable[[], None]) -> AbstractContextManager[FakeChunk]:
        """Answer many subjects in turn."""
        return nullcontext(FakeChunk(self))

    def peak_memory_bytes(self) -> int | None:
        """A figure that tests look for."""
        return 4096


@dataclass
class FakeChunk:
    """A chunk at the boundary: answers each subject when it is asked for its answer."""

    pipeline: FakePipeline
    ahead: int = 4
    sent: deque[Subject] = field(default_factory=deque)

    def send(self, subject: Subject, made: datetime) -> None:
        """Wait for its turn."""
        self.sent.append(subject)

    def poll(self, seconds: float) -> BatchReading | OverreadError | None:
        """Answer the next one; what the reading process says of one subject alone is returned, not raised."""
        try:
            return BatchReading(self.pipeline.run(self.sent.popleft(), lambda step, fraction: None), {})
        except BadInput as error:
            return error

    def peak_memory_bytes(self) -> int | None:
        """As of a single reading."""
        return self.pipeline.peak_memory_bytes()


@pytest.fixture
def fake_pipeline() -> type[FakePipeline]:
    """The class of pipelines that answer as a test says."""
    return FakePipeline


@pytest.fixture
def make_reading() -> Callable[..., Reading]:
    """The factory of small complete readings."""
    return reading


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 server."""
    from moto.server import ThreadedMotoServer  # takes a second, and few tests want it

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blobs:
    """An empty blob store of each kind."""
    if request.param == "folder":
        return Blobs(f"file://{tmp_path / 'blobs'}")
    address = request.getfixturevalue("s3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    bucket = f"images-{uuid.uuid4().hex}"
    fsspec.filesystem("s3").mkdir(bucket)
    return Blobs(f"s3://{bucket}/prefix")
