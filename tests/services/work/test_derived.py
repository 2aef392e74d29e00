"""Series that a pipeline made: back into their study once, read by others, never by those they come from."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from pipelines.core.codes import KSPACE_FILE
from pipelines.core.types import Artifact, Reading, Subject, Urgency
from pipelines.imaging.dicom import DicomHeader
from services.broker import SilentBell
from services.settings import Settings
from services.store import registration
from services.store.ids import new_id
from services.store.jobs import slot_for
from services.store.session import unit_of_work
from services.store.states import JobState, ReviewAction, SeriesState, StudyState, Verdict
from services.store.stores import Store
from services.store.tables import CurrentResult, Instance, Job, JobInput, Result, Review, Series, Slot, Study, User
from services.work import derived
from services.work.close import complete
from services.work.outcomes import IntakeOptions, Readied
from services.work.receive import keep, receive
from services.work.run import run_one
from services.work.spool import Spool
from tests.pipelines.exporters.samples import header
from tests.services.conftest import FakePipeline, reading
from tests.services.store.test_models import make_bundle
from tests.services.work.made import SLICES, made_series, mr_slice

ACTOR = "key:test"
PATIENCE_SECONDS = 120


class Scanner:
    """Sends raw data and images, runs jobs, and looks at what became of the study."""

    def __init__(self, store: Store, settings: Settings, models_dir: Path) -> None:
        self.store, self.settings = store, settings
        for name in ("brain_mri_reconstruction", "hippocampus_segmentation"):
            make_bundle(models_dir, name=name, weights=name.encode())
        registration.seed(store, models_dir)

    def send_raw(self, content: bytes = b"raw data", pipeline: str | None = None) -> str:
        """A raw data file comes in and its study closes; returns the study's id."""
        with Spool(self.settings) as spool:
            writer = spool.begin("raw.h5")
            writer.write(content)
            file = writer.finish()
            readied = Readied(file, raw_header(file.sha256), media_type="application/x-hdf5")
            (outcome,) = keep(self.store, [readied], IntakeOptions(pipeline=pipeline), ACTOR)
        assert outcome.study_id is not None
        complete(self.store, SilentBell(), outcome.study_id, ACTOR)
        return outcome.study_id

    def send_image(self, study_id: str, number: int = 1) -> None:
        """An acquired MR image comes in and the study closes."""
        with Spool(self.settings) as spool:
            writer = spool.begin("a.dcm")
            writer.write(mr_slice(number, series="1.2.3.40"))
            receive(self.store, self.settings, writer.finish(), IntakeOptions(), ACTOR)
        complete(self.store, SilentBell(), study_id, ACTOR)

    def run(self, queue: str, answer: Callable[[Subject], Reading]) -> bool:
        """Run the next job of a queue with a pipeline that answers as the test says."""
        pipeline = FakePipeline(lambda subject, progress: answer(subject))
        return run_one(self.store, SilentBell(), self.settings, queue, "w1", lambda claim, model: pipeline)

    def run_and_be_killed(self, series: str = "1.2.3.50") -> None:
        """A worker of its own saves a reconstruction and is killed before it does anything more."""
        command = [sys.executable, "-m", "tests.services.work.dying_worker", self.settings.model_dump_json(), series]
        assert subprocess.run(command, check=False, timeout=PATIENCE_SECONDS).returncode == -signal.SIGKILL

    def jobs(self) -> dict[str, list[str]]:
        """Pipeline -> the states of its jobs, oldest first."""
        with unit_of_work(self.store.database, writing=False) as session:
            found: dict[str, list[str]] = {}
            for job in session.scalars(select(Job).order_by(Job.id)):
                found.setdefault(job.pipeline, []).append(job.state)
            return found

    def series(self) -> Sequence[Series]:
        """The series that were made, not sent."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(Series).where(Series.derived_from.is_not(None))).all()

    def inputs(self, pipeline: str) -> list[str]:
        """The SOP Instance UIDs that the newest job of a pipeline reads."""
        with unit_of_work(self.store.database, writing=False) as session:
            newest = session.scalars(select(Job.id).where(Job.pipeline == pipeline).order_by(Job.id.desc())).first()
            read = select(Instance.sop_instance_uid).join(JobInput).where(JobInput.job_id == newest)
            return sorted(session.scalars(read))

    def sign(self, study_id: str, pipeline: str) -> None:
        """A reader signs the current result of a pipeline."""
        with unit_of_work(self.store.database) as session:
            slot_id = slot_for(session, study_id, "study", study_id, pipeline)
            user = User(name="reader", password_hash="x", role="clinician")
            session.add(user)
            session.flush()
            pointer = session.get_one(CurrentResult, slot_id)
            values = {"slot_id": slot_id, "result_id": pointer.result_id, "user_id": user.id, "number": 1}
            word = {"action": ReviewAction.SIGN, "verdict": Verdict.ACCEPT, "findings": []}
            session.add(Review(**values, **word))


def raw_header(sha256: str) -> DicomHeader:
    """The header that stands for a raw data file of the study."""
    own = {"sop_instance_uid": f"2.25.{int(sha256[:24], 16)}", "series_instance_uid": f"2.25.{int(sha256[:20], 16)}"}
    return replace(
        header("1.2.3.4.1", None),
        **own,
        issuer=None,
        sop_class_uid=KSPACE_FILE,
        transfer_syntax=KSPACE_FILE,
        modality="MR",
    )


@pytest.fixture
def scanner(store: Store, settings: Settings, tmp_path: Path) -> Scanner:
    """A scanner whose raw data two pipelines wait for."""
    return Scanner(store, settings, tmp_path / "bundles")


def test_a_reconstruction_feeds_segmentation_and_never_itself(each_store: Store, scanner: Scanner) -> None:
    study_id = scanner.send_raw()
    assert scanner.jobs() == {"reconstruction": ["queued"]}
    assert scanner.run("reconstruction", made_series)
    assert scanner.jobs() == {"reconstruction": ["succeeded"], "segmentation": ["queued"]}
    assert scanner.inputs("segmentation") == [f"1.2.3.50.{number}" for number in range(1, SLICES + 1)]
    (series,) = scanner.series()
    with unit_of_work(each_store.database, writing=False) as session:
        assert series.derived_from == session.scalars(select(Result.id)).one()
        assert session.get_one(Study, study_id).state == StudyState.COMPLETE
    assert series.state == SeriesState.CLOSED and series.digest is not None


def test_a_pipeline_that_could_read_its_own_series_does_not(scanner: Scanner) -> None:
    study_id = scanner.send_raw()
    scanner.run("reconstruction", made_series)
    own = [mr_slice(number, series="1.2.3.60") for number in (1, 2)]
    scanner.run("segmentation", lambda subject: replace(made_series(subject, own), pipeline="segmentation"))
    assert len(scanner.series()) == 2
    assert scanner.jobs() == {"reconstruction": ["succeeded"], "segmentation": ["succeeded"]}
    scanner.send_image(study_id)
    assert scanner.inputs("segmentation") == ["1.2.3.40.1", "1.2.3.50.1", "1.2.3.50.2", "1.2.3.50.3"]


def test_taking_a_series_in_again_changes_nothing(scanner: Scanner) -> None:
    scanner.send_raw()
    scanner.run("reconstruction", made_series)
    (series,) = scanner.series()
    assert derived.take_in(scanner.store, SilentBell(), str(series.derived_from)) == []
    assert derived.sweep(scanner.store, SilentBell()) == 0
    assert len(scanner.jobs()["segmentation"]) == len(scanner.series()) == 1


def test_the_sweep_takes_in_what_a_killed_worker_left(scanner: Scanner) -> None:
    scanner.send_raw()
    scanner.run_and_be_killed()
    assert not scanner.series() and scanner.jobs() == {"reconstruction": ["succeeded"]}
    assert derived.sweep(scanner.store, SilentBell(), since=new_id()) == 0
    assert derived.sweep(scanner.store, SilentBell()) == 1
    assert derived.sweep(scanner.store, SilentBell()) == 0
    assert scanner.jobs() == {"reconstruction": ["succeeded"], "segmentation": ["queued"]}
    assert len(scanner.series()) == 1


def test_a_series_whose_file_is_lost_does_not_keep_others_from_their_studies(scanner: Scanner) -> None:
    for content, series in ((b"raw data", "1.2.3.50"), (b"more of it", "1.2.3.60")):
        scanner.send_raw(content)
        scanner.run_and_be_killed(series)
    scanner.store.blobs.remove(hashlib.sha256(mr_slice(2)).hexdigest())
    assert derived.sweep(scanner.store, SilentBell()) == 1
    assert [series.series_instance_uid for series in scanner.series()] == ["1.2.3.60"]


def test_a_made_series_leaves_running_work_of_its_study_alone(scanner: Scanner) -> None:
    scanner.send_raw(b"one")
    scanner.send_raw(b"two")
    assert scanner.jobs() == {"reconstruction": ["queued", "queued"]}
    scanner.run("reconstruction", made_series)
    assert scanner.jobs() == {"reconstruction": ["succeeded", "queued"], "segmentation": ["queued"]}
    second = [mr_slice(number, series="1.2.3.70") for number in (1, 2)]
    scanner.run("reconstruction", lambda subject: made_series(subject, second))
    states = scanner.jobs()
    assert states == {"reconstruction": ["succeeded"] * 2, "segmentation": [JobState.CANCELLED, JobState.QUEUED]}
    assert len(scanner.inputs("segmentation")) == SLICES + 2


def test_a_made_series_does_not_question_a_signature(scanner: Scanner) -> None:
    study_id = scanner.send_raw()
    scanner.send_image(study_id)
    scanner.run("segmentation", lambda subject: replace(reading(subject), pipeline="segmentation"))
    scanner.sign(study_id, "segmentation")
    scanner.run("reconstruction", made_series)
    assert scanner.jobs() == {"reconstruction": ["succeeded"], "segmentation": ["succeeded"]}
    assert len(scanner.series()) == 1


def test_a_series_joins_a_study_that_took_another_image_meanwhile(scanner: Scanner) -> None:
    study_id = scanner.send_raw()

    def late(subject: Subject) -> Reading:
        with unit_of_work(scanner.store.database) as session:
            session.get_one(Study, study_id).state = StudyState.RECEIVING
        return made_series(subject)

    scanner.run("reconstruction", late)
    assert scanner.jobs() == {"reconstruction": ["succeeded"]}
    (series,) = scanner.series()
    assert series.state == SeriesState.OPEN
    complete(scanner.store, SilentBell(), study_id, ACTOR)
    assert scanner.jobs() == {"reconstruction": ["succeeded"], "segmentation": ["queued"]}


def test_a_sender_who_names_one_pipeline_gets_that_one(scanner: Scanner) -> None:
    scanner.send_raw(pipeline="reconstruction_zero_filled")
    assert scanner.jobs() == {"reconstruction_zero_filled": ["queued"]}
    scanner.run("reconstruction", made_series)
    assert scanner.jobs() == {"reconstruction_zero_filled": ["succeeded"]}


@pytest.mark.parametrize(
    "contents",
    [
        [b"no DICOM"],
        [mr_slice(1, StudyInstanceUID="1.2.9")],
        [mr_slice(1), mr_slice(1, InstanceNumber=7)],
        [mr_slice(1), mr_slice(2, SeriesInstanceUID="1.2.3.51")],
    ],
)
def test_a_series_that_cannot_be_taken_in_fails_its_job(scanner: Scanner, contents: Sequence[bytes]) -> None:
    scanner.send_raw()
    scanner.run("reconstruction", lambda subject: made_series(subject, contents))
    with unit_of_work(scanner.store.database, writing=False) as session:
        job = session.scalars(select(Job)).one()
        assert (job.state, job.error_code) == (JobState.FAILED, "bad_derived_series")
        assert session.scalars(select(Result)).all() == []


def test_a_report_among_the_artifacts_is_routed_to_nobody(scanner: Scanner) -> None:
    scanner.send_raw()
    report = Artifact("report.dcm", "sr", "application/dicom", mr_slice(9))
    scanner.run("reconstruction", lambda subject: replace(made_series(subject), artifacts=(report,)))
    assert scanner.jobs() == {"reconstruction": ["succeeded"]} and not scanner.series()


def test_an_urgent_study_keeps_its_haste_in_what_is_made_of_it(scanner: Scanner) -> None:
    study_id = scanner.send_raw()
    with unit_of_work(scanner.store.database) as session:
        session.get_one(Study, study_id).priority = 0
    scanner.run("reconstruction", lambda subject: replace(made_series(subject), urgency=Urgency.ROUTINE))
    with unit_of_work(scanner.store.database, writing=False) as session:
        made = session.scalars(select(Job).where(Job.pipeline == "segmentation")).one()
        slot = session.scalars(select(Slot).where(Slot.pipeline == "segmentation")).one()
    assert (made.priority, slot.subject_kind) == (0, "study")
