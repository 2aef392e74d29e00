"""Closing studies: asked to, after the quiet time, again after a late image; and which jobs that queues."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from pipelines.core.errors import NotFound
from services.settings import Settings
from services.store.clock import seconds_from_now
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.states import JobState, Priority
from services.store.stores import Store
from services.store.tables import AuditRow, Instance, Job, JobInput, OutboxEvent, Study, WorklistRow
from services.work import spool
from services.work.close import HOLD_SECONDS, close_quiet, complete
from services.work.outcomes import FileOutcome, FileStatus, IntakeOptions
from services.work.receive import receive
from services.work.spool import Spool
from tests.services.conftest import Desk
from tests.services.intake.conftest import by, dicom

ACTOR = "key:test"
CT = {"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}
STUDY = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1"}


class Ringing:
    """A bell that remembers."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, queue: str) -> None:
        self.rung.append(queue)


class Ward:
    """Takes images in and closes their studies."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings, self.bell = store, settings, Ringing()

    def take(self, options: IntakeOptions | None = None, **attributes: object) -> FileOutcome:
        with Spool(self.settings) as spool:
            writer = spool.begin("a")
            writer.write(dicom(**(STUDY | attributes)))
            return receive(self.store, self.settings, writer.finish(), options or IntakeOptions(), ACTOR)

    def complete(self, study_id: str | None, expected: int | None = None) -> Sequence[str]:
        assert study_id is not None
        return complete(self.store, self.bell, study_id, ACTOR, expected).jobs

    def quiet(self) -> list[str]:
        return close_quiet(self.store, self.bell, self.settings)

    def age(self, seconds: float) -> None:
        with unit_of_work(self.store.database) as session:
            for study in session.scalars(select(Study)):
                study.last_instance_at = seconds_from_now(-seconds)

    def rows(self, table: type) -> Sequence[object]:
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(table)).all()

    def study(self) -> Study:
        [study] = self.rows(Study)
        assert isinstance(study, Study)
        return study

    def jobs(self) -> list[Job]:
        return sorted((job for job in self.rows(Job) if isinstance(job, Job)), key=lambda job: job.id)


@pytest.fixture
def ward(store: Store, settings: Settings, desk: Desk) -> Ward:
    """A ward whose retinopathy model is active."""
    with unit_of_work(store.database) as session:
        desk._model(session)
    return Ward(store, settings)


def test_a_study_that_took_an_image_since_it_was_found_quiet_stays_open(ward: Ward) -> None:
    other = {"StudyInstanceUID": "1.4", "SeriesInstanceUID": "1.4.1"}
    first, second = ward.take().study_id, ward.take(**other).study_id
    ward.age(60)

    class Late(Ringing):
        """Sends another image to the second study while the first is closed."""

        def ring(self, queue: str) -> None:
            super().ring(queue)
            ward.take(**other)

    ward.bell = Late()
    assert ward.quiet() == [first]
    with unit_of_work(ward.store.database, writing=False) as session:
        assert session.get_one(Study, second).state == "receiving"


def test_closing_queues_one_job_over_the_images_in_order_of_their_uids(ward: Ward) -> None:
    taken = [ward.take(SOPInstanceUID=uid) for uid in ("1.9", "1.10", "1.1")]
    [job_id] = ward.complete(taken[0].study_id)
    assert ward.bell.rung == ["retinopathy"]
    with unit_of_work(ward.store.database, writing=False) as session:
        uids = session.scalars(
            select(Instance.sop_instance_uid)
            .join(JobInput, JobInput.instance_id == Instance.id)
            .where(JobInput.job_id == job_id)
            .order_by(JobInput.position)
        ).all()
    assert list(uids) == sorted(["1.9", "1.10", "1.1"])


def test_closing_is_written_down_and_projected_in_one_transaction(ward: Ward) -> None:
    study_id = ward.take().study_id
    [job_id] = ward.complete(study_id)
    assert [(row.study_id, row.job_id, row.study_state) for row in ward.rows(WorklistRow)] == [  # type: ignore[attr-defined]
        (study_id, job_id, "complete")
    ]
    assert [row.action for row in ward.rows(AuditRow)] == ["instances.received", "study.closed"]  # type: ignore[attr-defined]
    assert {row.topic for row in ward.rows(OutboxEvent)} == {"study", "job"}  # type: ignore[attr-defined]


def test_closing_twice_queues_nothing_more(ward: Ward) -> None:
    study_id = ward.take().study_id
    assert ward.complete(study_id) == ward.complete(study_id)
    assert len(ward.jobs()) == 1


def test_closing_what_is_not_there_is_not_found(ward: Ward) -> None:
    with pytest.raises(NotFound):
        ward.complete(new_id())


def test_a_late_image_reopens_the_study_and_its_job_is_replaced(ward: Ward) -> None:
    study_id = ward.take(SOPInstanceUID="1.1").study_id
    [first] = ward.complete(study_id)
    ward.take(SOPInstanceUID="1.2")
    assert ward.study().state == "receiving"
    assert [job.state for job in ward.jobs()] == [JobState.CANCELLED]
    [second] = ward.complete(study_id)
    assert second != first
    assert [job.state for job in ward.jobs()] == [JobState.CANCELLED, JobState.QUEUED]


def test_a_duplicate_does_not_reopen(ward: Ward) -> None:
    sent = dicom(**STUDY)
    with Spool(ward.settings) as spool:
        for status in (FileStatus.STORED, FileStatus.DUPLICATE):
            writer = spool.begin("a")
            writer.write(sent)
            outcome = receive(ward.store, ward.settings, writer.finish(), IntakeOptions(), ACTOR)
            assert outcome.status is status
            ward.complete(outcome.study_id)
    assert [job.state for job in ward.jobs()] == [JobState.QUEUED]


def test_the_same_object_by_another_route_does_not_reopen(ward: Ward) -> None:
    file = dicom(**STUDY)
    for sent, status in [(file, FileStatus.STORED), (by("ANOTHER", file), FileStatus.DUPLICATE)]:
        with Spool(ward.settings) as spool:
            writer = spool.begin("a")
            writer.write(sent)
            outcome = receive(ward.store, ward.settings, writer.finish(), IntakeOptions(), ACTOR)
            assert outcome.status is status
            ward.complete(outcome.study_id)
    assert [job.state for job in ward.jobs()] == [JobState.QUEUED]


def test_a_conflict_is_kept_aside_and_does_not_reopen(ward: Ward) -> None:
    study_id = ward.take(SOPInstanceUID="1.1").study_id
    ward.complete(study_id)
    assert ward.take(SOPInstanceUID="1.1", PatientName="Other").status is FileStatus.CONFLICT
    assert ward.study().state == "complete"
    assert [job.state for job in ward.jobs()] == [JobState.QUEUED]


def test_another_patients_image_is_not_read_and_does_not_reopen(ward: Ward) -> None:
    study_id = ward.take(SOPInstanceUID="1.1").study_id
    ward.complete(study_id)
    assert ward.take(SOPInstanceUID="1.2", PatientID="P-2").code == "other_patient"
    assert ward.study().state == "complete"
    ward.take(SOPInstanceUID="1.3")
    ward.complete(study_id)
    assert len(ward.rows(JobInput)) == 1 + 2


def test_a_quiet_study_closes_and_a_fresh_one_does_not(ward: Ward) -> None:
    study_id = ward.take().study_id
    assert ward.quiet() == []
    ward.age(ward.settings.quiet_seconds + 1)
    assert ward.quiet() == [study_id]
    assert (ward.study().state, len(ward.jobs())) == ("complete", 1)


def test_a_study_on_hold_waits_for_its_sender_but_not_for_ever(ward: Ward) -> None:
    study_id = ward.take(IntakeOptions(hold=True)).study_id
    ward.age(ward.settings.quiet_seconds + 1)
    assert ward.quiet() == []
    ward.age(HOLD_SECONDS + 1)
    assert ward.quiet() == [study_id]


def test_a_ct_is_unrouted_and_says_why(ward: Ward) -> None:
    study_id = ward.take(**CT).study_id
    assert list(ward.complete(study_id)) == []
    assert (ward.study().unrouted_reason or "").split("; ") == [
        "retinopathy: it reads OP, the study holds CT",
        "segmentation: it reads MR, the study holds CT",
        "reconstruction: it reads MR, the series holds CT",
    ]
    assert [row.unrouted_reason for row in ward.rows(WorklistRow)] == [ward.study().unrouted_reason]  # type: ignore[attr-defined]


def test_without_an_active_model_the_reason_says_so(store: Store, settings: Settings) -> None:
    ward = Ward(store, settings)
    ward.complete(ward.take().study_id)
    assert "retinopathy: no model is active" in (ward.study().unrouted_reason or "").split("; ")


def test_the_job_has_the_urgency_the_sender_asked_for(ward: Ward) -> None:
    ward.complete(ward.take(IntakeOptions(priority=Priority.STAT, pipeline="retinopathy")).study_id)
    assert [job.priority for job in ward.jobs()] == [Priority.STAT]


def test_numbers_that_no_column_holds_are_left_out(each_store: Store, settings: Settings) -> None:
    ward = Ward(each_store, settings)
    assert ward.take(InstanceNumber="999999999999").status is FileStatus.STORED
    assert [row.instance_number for row in ward.rows(Instance)] == [None]  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore:.*exceeds the maximum")
def test_texts_longer_than_their_columns_are_cut(each_store: Store, settings: Settings) -> None:
    ward = Ward(each_store, settings)
    long = "x" * 200
    taken = ward.take(PatientName=long, IssuerOfPatientID=long, StudyDescription=long, SeriesDescription=long)
    assert taken.status is FileStatus.STORED


def written_before(folder: Path, minutes: float) -> None:
    then = time.time() - minutes * 60
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))


def test_folders_that_a_killed_process_left_in_the_spool_are_removed_by_age(settings: Settings, tmp_path: Path) -> None:
    with Spool(settings) as used:
        used.begin("a").write(b"bytes")
        written_before(used.folder, minutes=50)
        assert spool.clean(settings) == 0
        written_before(used.folder, minutes=70)
        assert spool.clean(settings.model_copy(update={"job_timeout_seconds": 7200.0})) == 0  # a job's may be so old
        assert spool.clean(settings) == 1
        assert not used.folder.exists()
    assert spool.clean(settings.model_copy(update={"data_dir": tmp_path / "none"})) == 0
