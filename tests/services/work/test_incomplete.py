"""Completeness by evidence: what is known to be missing is waited for, then said; a late image mends it."""

from __future__ import annotations

import pytest
from pydicom.uid import MRImageStorage

from services.settings import Settings
from services.store.session import unit_of_work
from services.store.states import BatchItemState, JobRole, JobState
from services.store.stores import Store
from services.store.tables import Batch, BatchItem, Job, Series, WorklistRow
from services.work.outcomes import IntakeOptions
from tests.services.conftest import Desk
from tests.services.work.test_close import Ward

MR = {"Modality": "MR", "SOPClassUID": MRImageStorage}
QUIET = 60.0
PATIENT = 3600.0


@pytest.fixture
def ward(store: Store, settings: Settings, desk: Desk) -> Ward:
    """A ward whose retinopathy model is active."""
    with unit_of_work(store.database) as session:
        desk._model(session)
    return Ward(store, settings)


def slices(ward: Ward, *numbers: int, **attributes: object) -> str:
    """Take in slices of these numbers; the study's id."""
    taken = [ward.take(None, SOPInstanceUID=f"1.{number}", InstanceNumber=number, **attributes) for number in numbers]
    assert taken[-1].study_id is not None
    return taken[-1].study_id


def series_says(ward: Ward) -> str | None:
    [series] = ward.rows(Series)
    assert isinstance(series, Series)
    return series.incomplete


def listed(ward: Ward) -> list[str | None]:
    return [row.incomplete for row in ward.rows(WorklistRow) if isinstance(row, WorklistRow)]


def test_a_study_that_holds_what_its_headers_announce_closes_after_the_quiet_time(ward: Ward) -> None:
    slices(ward, 1, 2, NumberOfSeriesRelatedInstances=2)
    ward.age(QUIET)
    assert len(ward.quiet()) == 1
    assert ward.study().incomplete is None


def test_a_study_that_lacks_images_waits_longer_and_closes_with_a_mark(ward: Ward) -> None:
    study_id = slices(ward, 1, 2, NumberOfSeriesRelatedInstances=3)
    ward.age(QUIET)
    assert ward.quiet() == [] == ward.quiet()
    assert (ward.study().state, series_says(ward), listed(ward)) == (
        "receiving",
        "2 of 3 images came",
        ["OP: 2 of 3 images came"],
    )
    ward.age(PATIENT)
    assert ward.quiet() == [study_id]
    assert (ward.study().state, listed(ward)) == ("complete", ["OP: 2 of 3 images came"])
    assert [job.state for job in ward.jobs()] == [JobState.QUEUED]


def test_a_study_that_became_whole_while_it_waited_closes_after_the_quiet_time(ward: Ward) -> None:
    slices(ward, 1, NumberOfSeriesRelatedInstances=2)
    ward.age(QUIET)
    ward.quiet()
    slices(ward, 2, NumberOfSeriesRelatedInstances=2)
    ward.age(QUIET)
    assert len(ward.quiet()) == 1
    assert (ward.study().incomplete, series_says(ward), listed(ward)) == (None, None, [None])


def test_the_wait_can_be_switched_off(ward: Ward) -> None:
    ward.settings = ward.settings.model_copy(update={"incomplete_seconds": 0.0})
    slices(ward, 1, NumberOfSeriesRelatedInstances=2)
    ward.age(QUIET)
    assert len(ward.quiet()) == 1
    assert ward.study().incomplete == "OP: 1 of 2 images came"


def test_one_study_that_waits_does_not_keep_others_from_closing(ward: Ward) -> None:
    slices(ward, 1, NumberOfStudyRelatedInstances=2)
    ward.age(QUIET)
    ward.quiet()
    other = ward.take(StudyInstanceUID="1.4", SeriesInstanceUID="1.4.1").study_id
    ward.age(QUIET)
    assert ward.quiet() == [other]


def test_a_gap_in_a_stack_of_slices_is_named_and_in_photographs_means_nothing(ward: Ward) -> None:
    stack, photographs = slices(ward, 1, 2, 4, 5, 9, **MR), {"StudyInstanceUID": "1.4", "SeriesInstanceUID": "1.4.1"}
    for number in (21, 22, 24):
        ward.take(None, SOPInstanceUID=f"1.{number}", InstanceNumber=number, **photographs)
    ward.age(QUIET)
    assert len(ward.quiet()) == 1
    assert {row.study_id: row.incomplete for row in ward.rows(WorklistRow) if isinstance(row, WorklistRow)}[stack] == (
        "MR: images 3, 6-8 are missing by their numbers"
    )


def test_the_senders_count_outranks_headers_and_numbers(ward: Ward) -> None:
    ward.take(IntakeOptions(expected=1), InstanceNumber=1, NumberOfSeriesRelatedInstances=80)
    ward.age(QUIET)
    assert len(ward.quiet()) == 1
    assert ward.study().incomplete is None


def test_a_study_closed_by_its_sender_is_marked_at_once(ward: Ward) -> None:
    study_id = slices(ward, 1, 2)
    ward.complete(study_id, expected=5)
    assert (ward.study().state, ward.study().incomplete) == ("complete", "2 of 5 images came")


def test_a_late_slice_ends_the_mark_and_a_new_job_reads_all(ward: Ward) -> None:
    study_id = slices(ward, 1, NumberOfSeriesRelatedInstances=2)
    [first] = ward.complete(study_id)
    slices(ward, 2, NumberOfSeriesRelatedInstances=2)
    assert (ward.study().state, ward.study().incomplete, series_says(ward)) == ("receiving", None, None)
    [second] = ward.complete(study_id)
    assert {job.id: job.state for job in ward.jobs()} == {first: JobState.CANCELLED, second: JobState.QUEUED}
    assert ward.study().incomplete is None


def batch_item(ward: Ward, study_id: str, job_id: str) -> None:
    """The job is a batch's, and an item waits for it."""
    with unit_of_work(ward.store.database) as session:
        job = session.get_one(Job, job_id)
        job.role = JobRole.BATCH
        facts = {"name": "night", "pipeline": job.pipeline, "model_version_id": job.model_version_id or ""}
        batch = Batch(**facts, source={}, query={}, window={}, budget={}, state="running", created_by="test")
        session.add(batch)
        session.flush()
        subject = {"subject_kind": "study", "subject_id": study_id, "study_id": study_id}
        session.add(BatchItem(**subject, batch_id=batch.id, job_id=job_id, state=BatchItemState.QUEUED))


def test_a_batch_does_not_compare_readings_of_different_images_but_asks_anew(ward: Ward) -> None:
    study_id = slices(ward, 1)
    [job_id] = ward.complete(study_id)
    batch_item(ward, study_id, job_id)
    slices(ward, 2)
    assert [job.state for job in ward.jobs()] == [JobState.CANCELLED]
    assert [(item.state, item.job_id) for item in ward.rows(BatchItem) if isinstance(item, BatchItem)] == [
        (BatchItemState.WAITING, None)
    ]
