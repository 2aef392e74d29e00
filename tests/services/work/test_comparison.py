"""Shadow versions: queued beside live jobs, silent, compared with the version in use; promotion and rollback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from pipelines.core.errors import Conflict, UnknownModel
from pipelines.core.types import ModelRef
from pipelines.exporters.json import reading_json
from services.settings import Settings
from services.store import models, results, reviews
from services.store.reviews import NewReview
from services.store.session import unit_of_work
from services.store.states import JobRole, JobState, ModelState, Priority, ReviewAction, Verdict
from services.store.stores import Store
from services.store.tables import CurrentResult, Job, JobInput, ModelEvent, ModelVersion, Result, Slot, WorklistRow
from services.work.comparison import comparison_of
from services.work.models import promote, retire, roll_back, shadow
from tests.services.conftest import Desk
from tests.services.overnight import grade
from tests.services.store.world import reader
from tests.services.work.test_close import Ward

NAME = "fundus_dr_grading"
ACTOR = "user:1"


class Clinic(Ward):
    """A ward with two versions of a model, 1.0.0 in use, and workers who answer for either."""

    def __init__(self, store: Store, settings: Settings, desk: Desk) -> None:
        super().__init__(store, settings)
        self.desk = desk
        with unit_of_work(store.database) as session:
            first = session.get_one(ModelVersion, desk._model(session))
            told = {"weights_sha256": "3" * 64, "thresholds": {}, "facts": {}, "card": ""}
            second = ModelVersion(
                name=NAME, version="2.0.0", sha256="2" * 64, pipeline="retinopathy", **told,
                bundle_sha256=first.bundle_sha256,
            )  # fmt: skip
            session.add(second)
            session.flush()
            models.add_event(session, second.id, ModelState.REGISTERED, "system", "test")

    def receive(self, number: int) -> str:
        """A study of one photograph comes in and closes; returns its id."""
        uid = f"1.2.3.{number}"
        told = {"StudyInstanceUID": uid, "SeriesInstanceUID": f"{uid}.1", "SOPInstanceUID": f"{uid}.1.1"}
        outcome = self.take(**told)
        self.complete(outcome.study_id)
        return outcome.study_id or ""

    def of(self, study_id: str) -> Sequence[Job]:
        """The study's jobs, oldest first."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(Job).filter_by(study_id=study_id).order_by(Job.id)).all()

    def read_all(self, **said: int | None) -> None:
        """Do what is queued: each version, by the number it begins with (`v1`, `v2`), says its grade."""
        while claim := self.desk.claim():
            with unit_of_work(self.store.database) as session:
                version = session.get_one(ModelVersion, claim.model_version_id).version
                answer = grade(said[f"v{version[0]}"])
                images = session.scalars(select(JobInput.instance_id).filter_by(job_id=claim.job_id))
                receipt = replace(answer.receipt, inputs=tuple(sorted(images)))
                answer = replace(answer, model=ModelRef(NAME, version, "1" * 64), receipt=receipt)
                results.save_result(session, self.store.blobs, claim, answer, reading_json(answer), [])

    def read_both(self, number: int, v1: int | None, v2: int | None) -> str:
        """A study comes in and both versions read it; returns its id."""
        study_id = self.receive(number)
        self.read_all(v1=v1, v2=v2)
        return study_id

    def sign(self, study_id: str) -> None:
        """A reader accepts the study's answer."""
        with unit_of_work(self.store.database) as session:
            pointer = session.scalars(select(CurrentResult).join(Slot).where(Slot.study_id == study_id)).one()
            word = NewReview(pointer.result_id, reader(session, study_id), ReviewAction.SIGN, Verdict.ACCEPT)
            reviews.add(session, pointer.slot_id, word)

    def newest_event(self, version: str) -> ModelEvent:
        """What was last decided about a version."""
        with unit_of_work(self.store.database, writing=False) as session:
            return models.events_of(session, models.find_version(session, NAME, version).id)[-1]


@pytest.fixture
def clinic(store: Store, settings: Settings, desk: Desk) -> Clinic:
    """A clinic where version 2.0.0 is a shadow."""
    clinic = Clinic(store, settings, desk)
    shadow(store, ACTOR, NAME, "2.0.0", "let us see")
    return clinic


def test_a_shadow_gets_a_job_of_its_own_behind_the_live_one(clinic: Clinic) -> None:
    live, silent = clinic.of(clinic.receive(1))
    assert (live.role, live.priority) == (JobRole.LIVE, Priority.ROUTINE)
    assert (silent.role, silent.priority, silent.slot_id) == (JobRole.SHADOW, Priority.BATCH, live.slot_id)


def test_what_a_shadow_says_moves_nothing(clinic: Clinic, store: Store) -> None:
    study_id = clinic.read_both(1, v1=1, v2=4)
    with unit_of_work(store.database, writing=False) as session:
        row = session.scalars(select(WorklistRow).filter_by(study_id=study_id)).one()
        assert (row.headline, row.proposed_result_id, row.change) == ("DR grade 1", None, None)
        roles = session.scalars(select(Result.role).order_by(Result.id)).all()
    assert roles == [JobRole.LIVE, JobRole.SHADOW]


def test_a_late_image_cancels_the_shadow_too(clinic: Clinic) -> None:
    study_id = clinic.receive(1)
    clinic.take(StudyInstanceUID="1.2.3.1", SeriesInstanceUID="1.2.3.1.1", SOPInstanceUID="1.2.3.1.1.2")
    assert {job.state for job in clinic.of(study_id)} == {JobState.CANCELLED}


def test_a_retired_shadow_reads_no_more(clinic: Clinic, store: Store) -> None:
    retire(store, ACTOR, NAME, "2.0.0", "seen enough")
    assert [job.role for job in clinic.of(clinic.receive(1))] == [JobRole.LIVE]


def test_the_version_in_use_is_no_shadow(clinic: Clinic, store: Store) -> None:
    with pytest.raises(Conflict):
        shadow(store, ACTOR, NAME, "1.0.0", "no")


def test_two_versions_are_compared_on_the_images_that_both_have_read(clinic: Clinic, store: Store) -> None:
    worse = clinic.read_both(1, v1=1, v2=3)
    signed = clinic.read_both(2, v1=0, v2=1)
    clinic.read_both(3, v1=2, v2=2)
    clinic.read_both(4, v1=2, v2=None)
    clinic.sign(signed)
    retire(store, ACTOR, NAME, "2.0.0", "seen enough")
    clinic.read_both(5, v1=1, v2=1)
    figures = comparison_of(store, NAME, "2.0.0")
    assert (figures["n"], figures["candidate"], figures["reference"]) == (4, "2.0.0", "1.0.0")
    assert figures["kinds"] == {"none": 1, "changed": 1, "crossed": 1, "answered": 0, "unanswered": 1}
    assert figures["crossings"] == {"up": 1, "down": 0}
    table = figures["grades"]["dr_grade"]["confusion"]
    assert [table[1][3], table[0][1], table[2][2], sum(map(sum, table))] == [1, 1, 1, 3]
    assert figures["abstained"]["candidate"]["count"] == 1
    assert (figures["clinicians"]["reference"]["count"], figures["clinicians"]["candidate"]["count"]) == (1, 0)
    assert figures["seconds"] == {"reference": 0.1, "candidate": 0.1}
    assert [one["study_id"] for one in figures["largest"]][:1] == [worse]


def test_a_reading_of_more_images_is_not_compared_with_one_of_fewer(clinic: Clinic, store: Store) -> None:
    study_id = clinic.read_both(1, v1=1, v2=1)
    retire(store, ACTOR, NAME, "2.0.0", "seen enough")
    clinic.take(StudyInstanceUID="1.2.3.1", SeriesInstanceUID="1.2.3.1.1", SOPInstanceUID="1.2.3.1.1.2")
    clinic.complete(study_id)
    clinic.read_all(v1=4)
    figures = comparison_of(store, NAME, "2.0.0")
    assert (figures["n"], figures["kinds"]["none"]) == (1, 1)


def test_nothing_is_compared_where_nothing_is_in_use_or_named(clinic: Clinic, store: Store) -> None:
    with pytest.raises(UnknownModel):
        comparison_of(store, NAME, "1.0.0")
    retire(store, ACTOR, NAME, "2.0.0", "seen enough")
    with pytest.raises(UnknownModel):
        comparison_of(store, NAME)


def test_a_promotion_keeps_the_comparison_and_a_rollback_takes_it_back(clinic: Clinic, store: Store) -> None:
    clinic.read_both(1, v1=1, v2=2)
    promote(store, ACTOR, NAME, "2.0.0", "finds more")
    event = clinic.newest_event("2.0.0")
    assert (event.state, event.comparison["n"], event.comparison["crossings"]["up"]) == (ModelState.ACTIVE, 1, 1)
    assert {job.role for job in clinic.of(clinic.receive(2))} == {JobRole.LIVE}
    assert roll_back(store, ACTOR, NAME, "too many alarms") == "1.0.0"
    event = clinic.newest_event("1.0.0")
    assert (event.state, event.reason, event.comparison["reference"]) == (ModelState.ACTIVE, "too many alarms", "2.0.0")


def test_a_promotion_re_reads_nothing(clinic: Clinic, store: Store) -> None:
    study_id = clinic.read_both(1, v1=1, v2=2)
    promote(store, ACTOR, NAME, "2.0.0", "finds more")
    with unit_of_work(store.database, writing=False) as session:
        row = session.scalars(select(WorklistRow).filter_by(study_id=study_id)).one()
    assert row.headline == "DR grade 1"


def test_there_is_nothing_to_roll_back_to_at_first(clinic: Clinic, store: Store) -> None:
    with pytest.raises(UnknownModel):
        roll_back(store, ACTOR, NAME, "no")


def test_a_second_rollback_never_returns_to_what_was_rolled_back(clinic: Clinic, store: Store) -> None:
    promote(store, ACTOR, NAME, "2.0.0", "finds more")
    roll_back(store, ACTOR, NAME, "too many alarms")
    with pytest.raises(UnknownModel):
        roll_back(store, ACTOR, NAME, "further")
    assert clinic.newest_event("1.0.0").state == ModelState.ACTIVE


def test_a_rollback_passes_over_what_was_retired(clinic: Clinic, store: Store) -> None:
    promote(store, ACTOR, NAME, "2.0.0", "finds more")
    retire(store, ACTOR, NAME, "1.0.0", "a flaw in it")
    with pytest.raises(UnknownModel):
        roll_back(store, ACTOR, NAME, "too many alarms")
