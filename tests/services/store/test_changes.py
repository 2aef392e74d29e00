"""What a batch's result makes of the answer that was there: its item, the proposal, the mark on the worklist."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from pipelines.core.change import ChangeKind
from pipelines.core.errors import Conflict
from services.store import attempts, models, reviews
from services.store.reviews import NewReview
from services.store.session import unit_of_work
from services.store.states import BatchItemState, JobState, ReviewAction, Verdict
from services.store.stores import Store
from services.store.tables import CurrentResult, WorklistRow
from services.store.worklist import project
from services.store.worklist_pages import WorklistFilters, list_rows
from tests.services.conftest import Desk
from tests.services.overnight import Night, answer, grade, live
from tests.services.store.world import reader


@pytest.fixture
def night(desk: Desk) -> Night:
    """A batch that has begun."""
    night = Night(desk)
    night.begin()
    return night


def pointer(store: Store, slot_id: str) -> tuple[str, str | None] | None:
    """The slot's answer and what is proposed in its place."""
    with unit_of_work(store.database, writing=False) as session:
        row = session.get(CurrentResult, slot_id)
        return (row.result_id, row.proposed_result_id) if row else None


def mark(store: Store, study_id: str) -> tuple[str | None, str | None]:
    """What the worklist says of the study's change."""
    with unit_of_work(store.database, writing=False) as session:
        row = session.scalars(select(WorklistRow).filter_by(study_id=study_id)).one()
        return row.change, row.change_headline


def test_a_changed_answer_is_proposed_beside_the_old_one_and_marked(
    desk: Desk, night: Night, each_store: Store
) -> None:
    old = live(desk, "one", grade(1))
    job_id = night.item("one")
    new = answer(desk, job_id, grade(2))
    item = night.found(job_id)
    assert (item.state, item.old_result_id, item.new_result_id) == (BatchItemState.DONE, old, new)
    assert (item.change, item.headline) == (ChangeKind.CROSSED, "DR grade 1 -> 2, now referable")
    assert item.compared == [["dr_grade", None, 1, 2], ["dr_grade", "L", 1, 2]]
    assert item.seconds == pytest.approx(0.1)
    job = desk.job(job_id)
    assert pointer(each_store, job.slot_id) == (old, new)
    assert mark(each_store, job.study_id) == (ChangeKind.CROSSED, "DR grade 1 -> 2, now referable")
    with unit_of_work(each_store.database, writing=False) as session:
        filters = WorklistFilters(changes=[ChangeKind.CROSSED])
        assert [row.study_id for row in list_rows(session, each_store.site_id, filters, None, 5)] == [job.study_id]


def test_an_unchanged_answer_goes_to_nobody(desk: Desk, night: Night, store: Store) -> None:
    old = live(desk, "one", grade(1))
    job_id = night.item("one")
    answer(desk, job_id, grade(1))
    item, job = night.found(job_id), desk.job(job_id)
    assert (item.state, item.change, item.weight) == (BatchItemState.DONE, ChangeKind.NONE, 0)
    assert pointer(store, job.slot_id) == (old, None)
    assert mark(store, job.study_id) == (None, None)


def test_a_study_without_an_answer_takes_that_of_the_version_in_use(desk: Desk, night: Night, store: Store) -> None:
    job_id = night.item("one")
    new = answer(desk, job_id, grade(0))
    assert night.found(job_id).change == ChangeKind.NEW
    assert pointer(store, desk.job(job_id).slot_id) == (new, None)
    assert mark(store, desk.job(job_id).study_id) == (None, None)


def test_a_first_answer_beyond_the_line_is_marked(desk: Desk, night: Night, store: Store) -> None:
    job_id = night.item("one")
    answer(desk, job_id, grade(3))
    assert mark(store, desk.job(job_id).study_id) == (ChangeKind.NEW, "first reading: DR grade 3")


def test_a_version_that_is_not_in_use_answers_no_study(desk: Desk, night: Night, store: Store) -> None:
    job_id = night.item("one")
    with unit_of_work(store.database) as session:
        models.retire(session, desk.model_id, "user:1", "test")
    answer(desk, job_id, grade(3))
    assert pointer(store, desk.job(job_id).slot_id) is None
    assert night.found(job_id).state == BatchItemState.DONE


def test_a_live_job_that_a_batch_waits_for_is_compared_with_the_answer_before_it(
    desk: Desk, night: Night, store: Store
) -> None:
    old = live(desk, "one", grade(1))
    job_id = desk.queue(study="one")
    night.item("one", job_id)
    new = answer(desk, job_id, grade(3))
    assert night.found(job_id).old_result_id == old
    assert pointer(store, desk.job(job_id).slot_id) == (new, None)


def test_two_batches_that_wait_for_one_job_both_learn_of_it(desk: Desk, night: Night, store: Store) -> None:
    job_id = night.item("one")
    other = Night(desk)
    other.begin()
    other.item("one", job_id)
    answer(desk, job_id, grade(0))
    assert {night.found(job_id).state, other.found(job_id).state} == {BatchItemState.DONE}


def test_the_mark_goes_when_a_reader_signs_after_it_and_comes_back_when_that_is_undone(
    desk: Desk, night: Night, store: Store
) -> None:
    old = live(desk, "one", grade(1))
    job_id = night.item("one")
    answer(desk, job_id, grade(2))
    job = desk.job(job_id)
    marks = []
    with unit_of_work(store.database) as session:
        user = reader(session)
    for action, verdict in [(ReviewAction.SIGN, Verdict.ACCEPT), (ReviewAction.UNDO, None)]:
        with unit_of_work(store.database) as session:
            reviews.add(session, job.slot_id, NewReview(old, user, action, verdict))
            project(session, job.study_id)
        marks.append(mark(store, job.study_id)[0])
    assert marks == [None, ChangeKind.CROSSED]


def test_a_signature_from_before_does_not_hide_the_mark(desk: Desk, night: Night, store: Store) -> None:
    old = live(desk, "one", grade(1))
    job_id = night.item("one")
    with unit_of_work(store.database) as session:
        word = NewReview(old, reader(session), ReviewAction.SIGN, Verdict.ACCEPT)
        reviews.add(session, desk.job(job_id).slot_id, word)
    new = answer(desk, job_id, grade(2))
    assert pointer(store, desk.job(job_id).slot_id) == (old, new)
    assert mark(store, desk.job(job_id).study_id)[0] == ChangeKind.CROSSED


@pytest.mark.parametrize(("end", "state"), [("fail", BatchItemState.FAILED), ("cancel", BatchItemState.SKIPPED)])
def test_a_job_without_a_result_ends_its_items(
    desk: Desk, night: Night, each_store: Store, end: str, state: BatchItemState
) -> None:
    job_id, error = night.item("one"), Conflict("no", code="some_reason")
    claim = desk.claim()
    with unit_of_work(each_store.database) as session:
        if end == "fail":
            assert attempts.fail(session, claim, error) is JobState.FAILED
        else:
            assert attempts.cancel(session, job_id, error)
    item = night.found(job_id)
    assert (item.state, item.error_code) == (state, "some_reason")
    assert item.finished_at is not None


def test_a_job_that_waits_again_leaves_its_items_open(desk: Desk, night: Night, store: Store) -> None:
    job_id = night.item("one")
    claim = desk.claim()
    with unit_of_work(store.database) as session:
        attempts.give_back(session, claim)
    assert night.found(job_id).state == BatchItemState.QUEUED
