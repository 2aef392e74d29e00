"""Retention: only what was previewed and approved goes, nothing that anybody still needs, and never by half."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from pipelines.core.errors import BytesRemoved, Conflict
from services.settings import Settings
from services.store import masks
from services.store import retention as rows
from services.store.check import check
from services.store.clock import seconds_from_now
from services.store.ids import new_id
from services.store.masks import NewMask
from services.store.search import search_studies
from services.store.session import unit_of_work
from services.store.states import (
    BatchItemState,
    JobState,
    RetentionState,
    ReviewAction,
    Role,
    StudyState,
    Verdict,
)
from services.store.stores import Store
from services.store.tables import (
    AuditRow,
    Batch,
    BatchItem,
    CurrentResult,
    Instance,
    Job,
    Patient,
    Result,
    Review,
    Series,
    Study,
    User,
    WorklistRow,
)
from services.store.worklist import project
from services.work import retention
from services.work.access import Looker, open_instance
from services.work.collect import collect
from services.work.masks import open_mask
from services.work.retention import Keeper, Removed, Wanted
from tests.services.api.conftest import Read, Reader
from tests.services.conftest import Desk

DAYS = 30
OLD = (DAYS + 1) * rows.DAY_SECONDS
YOUNG = (DAYS - 1) * rows.DAY_SECONDS
ADMIN = "user:admin"
SIGNED = Wanted("old", frozenset({RetentionState.SIGNED}), DAYS)


@dataclass
class Archive:
    """Studies of some age that were read and signed."""

    store: Store
    settings: Settings
    reader: Reader
    user_id: str

    def signed(self, study: str = "", seconds: float = OLD) -> Read:
        """A closed study, read and signed so many seconds ago."""
        read = self.reader.read(study)
        self.change(Study, read.study_id, state=StudyState.COMPLETE, last_instance_at=seconds_from_now(-seconds))
        self.say(read, ReviewAction.SIGN, seconds)
        return read

    def say(self, read: Read, action: ReviewAction, seconds: float) -> None:
        """A reader's word, so many seconds ago."""
        with unit_of_work(self.store.database) as session:
            number = session.scalar(select(func.count()).select_from(Review).filter_by(slot_id=read.slot_id)) or 0
            session.add(
                Review(
                    slot_id=read.slot_id,
                    result_id=read.result_id,
                    number=number + 1,
                    user_id=self.user_id,
                    action=action,
                    verdict=Verdict.ACCEPT,
                    findings=[],
                    created_at=seconds_from_now(-seconds),
                )
            )
            session.flush()
            project(session, read.study_id)

    def change(self, table: type[Study | Job | CurrentResult], row_id: str, **values: object) -> None:
        """Set columns of a row."""
        with unit_of_work(self.store.database) as session:
            row = session.get_one(table, row_id)
            for name, value in values.items():
                setattr(row, name, value)
            session.flush()

    def approve(self, wanted: Wanted = SIGNED) -> str:
        """Add a policy and approve what its preview shows; the policy's id."""
        policy = retention.add(self.store, wanted, ADMIN)
        _, seen = retention.look(self.store, policy.id)
        retention.approve(self.store, policy.id, seen.studies, ADMIN)
        return policy.id

    def keep(self) -> Removed:
        """What the scheduler does in one round."""
        return Keeper(self.store, self.settings).round()

    def study(self, read: Read) -> Study:
        """The study's row."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.get_one(Study, read.study_id)

    def patient(self, read: Read) -> Patient:
        """Its patient's row."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.get_one(Patient, session.get_one(Study, read.study_id).patient_id)

    def files(self) -> set[str]:
        """The digests of all stored files."""
        blobs = self.store.blobs
        return {file.sha256 for folder in blobs.folders() for file in blobs.listed(folder) if file.sha256}

    def image(self, read: Read) -> Instance:
        """The study's one image."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(Instance).join(Series).where(Series.study_id == read.study_id)).one()


@pytest.fixture
def archive(store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive whose files are all old enough."""
    monkeypatch.setattr(retention, "GRACE_SECONDS", -60.0)
    with unit_of_work(store.database) as session:
        user = User(id=new_id(), name="reader", password_hash="-", role=Role.CLINICIAN)
        session.add(user)
    return Archive(store, settings, Reader(Desk(store, tmp_path / "desk"), tmp_path / "artifacts"), user.id)


def test_a_study_that_was_previewed_and_approved_goes_and_its_results_stay(archive: Archive) -> None:
    read = archive.signed("P-77")
    before, image = archive.files(), archive.image(read).blob_sha256
    archive.approve()
    assert archive.keep() == Removed(studies=1, files=2)
    study, patient = archive.study(read), archive.patient(read)
    assert study.erased_at is not None and study.study_instance_uid == f"erased-{study.id}"
    assert (patient.patient_id, patient.name, patient.birth_date) == (patient.id, None, None)
    assert image in before - archive.files()
    with unit_of_work(archive.store.database, writing=False) as session:
        assert search_studies(session, "P-77") == []
        assert session.get_one(Result, read.result_id).document["findings"]
        assert session.scalars(select(Review.action)).all() == [ReviewAction.SIGN]
        assert "study.erased" in session.scalars(select(AuditRow.action)).all()
        assert session.scalars(select(WorklistRow.study_date)).all() == [None]
    report = check(archive.store)
    assert (report.is_whole, report.unreferenced) == (True, 0)


def test_an_outline_that_a_reader_drew_goes_with_its_study(archive: Archive, tmp_path: Path) -> None:
    read = archive.signed()
    drawn = archive.store.blobs.publish_bytes(b"an outline", "application/gzip", scratch=tmp_path)
    with unit_of_work(archive.store.database) as session:
        archive.store.blobs.record(session, drawn)
        mask = masks.add(
            session, session.get_one(Result, read.result_id), NewMask(archive.user_id, None, drawn, volumes=())
        )
    archive.approve()
    assert archive.keep() == Removed(studies=1, files=3)
    assert drawn.sha256 not in archive.files()
    assert check(archive.store).unreferenced == 0
    with pytest.raises(BytesRemoved):
        open_mask(archive.store, Looker(ADMIN, 0.0, None), mask.id)


def test_what_was_removed_is_said_to_be_gone(archive: Archive) -> None:
    read = archive.signed()
    image = archive.image(read)
    archive.approve()
    archive.keep()
    with pytest.raises(BytesRemoved):
        open_instance(archive.store, Looker(ADMIN, 0.0, None), image.id)


def draft(archive: Archive, read: Read) -> None:
    archive.say(read, ReviewAction.DRAFT, OLD)


def take_back(archive: Archive, read: Read) -> None:
    archive.say(read, ReviewAction.UNDO, OLD)


def sign_lately(archive: Archive, read: Read) -> None:
    archive.say(read, ReviewAction.AMEND, YOUNG)


def run_again(archive: Archive, read: Read) -> None:
    archive.change(Job, read.job_id, state=JobState.RUNNING)


def reopen(archive: Archive, read: Read) -> None:
    archive.change(Study, read.study_id, state=StudyState.RECEIVING)


def hold(archive: Archive, read: Read) -> None:
    retention.hold(archive.store, read.study_id, "litigation", ADMIN)


def propose(archive: Archive, read: Read) -> None:
    archive.change(CurrentResult, read.slot_id, proposed_result_id=read.result_id)


def ask_for_it_in_a_batch(archive: Archive, read: Read) -> None:
    with unit_of_work(archive.store.database) as session:
        facts = {"name": "night", "pipeline": "retinopathy", "state": "running", "created_by": ADMIN}
        batch = Batch(**facts, model_version_id=archive.reader.desk.model_id, source={}, query={}, window={}, budget={})
        session.add(batch)
        session.flush()
        subject = {"subject_kind": "study", "subject_id": read.study_id, "study_id": read.study_id}
        session.add(BatchItem(**subject, batch_id=batch.id, state=BatchItemState.WAITING))


@pytest.mark.parametrize(
    "happens", [draft, take_back, sign_lately, run_again, reopen, hold, propose, ask_for_it_in_a_batch]
)
def test_a_study_that_anybody_still_needs_stays(archive: Archive, happens: Callable[[Archive, Read], None]) -> None:
    read = archive.signed()
    policy = archive.approve()
    happens(archive, read)
    # Also where it had been found before: everything is looked at again under its lock.
    assert retention.erase(archive.store, archive.settings, policy, read.study_id) is None
    assert archive.keep() == Removed()
    assert archive.study(read).erased_at is None


def test_a_study_that_is_younger_or_was_not_read_stays(archive: Archive) -> None:
    young = archive.signed(seconds=YOUNG)
    unread = archive.reader.read()
    archive.change(Study, unread.study_id, state=StudyState.COMPLETE, last_instance_at=seconds_from_now(-OLD))
    archive.approve()
    assert archive.keep() == Removed()
    assert [archive.study(read).erased_at for read in (young, unread)] == [None, None]


def test_nothing_goes_before_a_person_has_approved_what_it_means(archive: Archive) -> None:
    read = archive.signed()
    policy = retention.add(archive.store, SIGNED, ADMIN)
    assert archive.keep() == Removed()
    _, seen = retention.look(archive.store, policy.id)
    assert (seen.studies, seen.images, seen.study_ids) == (1, 1, (read.study_id,))
    archive.signed()
    with pytest.raises(Conflict, match="look again"):
        retention.approve(archive.store, policy.id, seen.studies, ADMIN)
    assert archive.keep() == Removed()


def test_a_policy_that_was_ended_acts_no_more(archive: Archive) -> None:
    archive.signed()
    retention.remove(archive.store, archive.approve(), ADMIN)
    assert archive.keep() == Removed()


def test_a_lifted_hold_lets_the_policy_act(archive: Archive) -> None:
    read = archive.signed()
    archive.approve()
    hold(archive, read)
    retention.release(archive.store, read.study_id, ADMIN)
    assert archive.keep().studies == 1


def test_bytes_shared_with_a_study_that_stays_are_kept_until_that_one_goes(archive: Archive) -> None:
    first, second = archive.signed("A"), archive.signed("B", seconds=YOUNG)
    shared = archive.files() - {archive.image(first).blob_sha256}
    archive.approve()
    assert archive.keep() == Removed(studies=1, files=1)
    assert archive.files() == shared
    archive.change(Study, second.study_id, last_instance_at=seconds_from_now(-OLD))
    assert archive.keep() == Removed()  # its review is young


def test_a_patient_is_known_as_long_as_one_study_stays(archive: Archive) -> None:
    first, second = archive.signed("A"), archive.signed("B", seconds=YOUNG)
    archive.change(Study, second.study_id, patient_id=archive.patient(first).id)
    archive.approve()
    archive.keep()
    assert archive.study(first).erased_at is not None
    assert archive.patient(second).patient_id == "A"


def test_a_process_that_dies_in_the_middle_leaves_bytes_to_the_collector(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = archive.signed()
    archive.approve()

    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(retention, "remove_unreferenced", die)
        with pytest.raises(KeyboardInterrupt):
            archive.keep()
    assert archive.study(read).erased_at is not None
    assert sum(collect(archive.store, folder, -60.0).blobs for folder in archive.store.blobs.folders()) == 2
    assert check(archive.store).is_whole


def test_a_walk_goes_on_where_it_was_and_begins_anew_at_the_end(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROUND", 1)
    monkeypatch.setattr(rows.page, "__defaults__", (2,))
    for _ in range(3):
        archive.signed()
    archive.approve()
    keeper = Keeper(archive.store, archive.settings)
    assert [keeper.round().studies for _ in range(4)] == [1, 1, 1, 0]
    assert keeper.is_through
    archive.signed()
    assert keeper.round().studies == 1


def test_a_study_that_no_pipeline_reads_goes_under_its_own_state(archive: Archive) -> None:
    read = archive.signed()
    unrouted = archive.reader.desk.image("CT")
    archive.change(
        Study,
        unrouted,
        state=StudyState.COMPLETE,
        last_instance_at=seconds_from_now(-OLD),
        unrouted_reason="it holds CT",
    )
    archive.approve(Wanted("unread", frozenset({RetentionState.UNROUTED}), DAYS))
    assert archive.keep().studies == 1
    assert archive.study(read).erased_at is None


def test_what_the_viewer_kept_of_the_images_goes_as_well(archive: Archive) -> None:
    read = archive.signed()
    archive.settings.rendered_dir.mkdir(parents=True)
    of_study = archive.settings.rendered_dir / f"{archive.image(read).blob_sha256}-512.jpg"
    other = archive.settings.rendered_dir / f"{'0' * 64}-512.jpg"
    for picture in (of_study, other):
        picture.touch()
    archive.approve()
    archive.keep()
    assert (of_study.exists(), other.exists()) == (False, True)


def test_the_same_images_sent_again_are_a_study_of_their_own(archive: Archive) -> None:
    read = archive.signed("A")
    content = archive.store.blobs.open(archive.image(read).blob_sha256).read()
    archive.approve()
    archive.keep()
    desk = archive.reader.desk
    desk.count = 0  # the same bytes under the same UIDs, and the same question about them
    again = desk.queue(study="A")
    job = desk.job(again)
    assert job.study_id != read.study_id
    assert (job.state, archive.store.blobs.exists(archive.image(read).blob_sha256)) == (JobState.QUEUED, True)
    assert content == b"image 1"
    with pytest.raises(BytesRemoved):
        open_instance(archive.store, Looker(ADMIN, 0.0, None), archive.image(read).id)
