"""Stored studies read again: planned once, fed a little ahead in the night, nothing read twice, nothing left out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import select, update

from pipelines.core.errors import BadRequest, Conflict, ModelError, NotFound, UnknownModel
from services.settings import Settings
from services.store import attempts, models
from services.store.session import unit_of_work
from services.store.sites import create_site
from services.store.states import BatchItemState, BatchState, JobState, ModelState, StudyState
from services.store.stores import Store
from services.store.tables import AuditRow, Job, OutboxEvent, Result, Study
from services.work import reprocess, tend
from services.work.release import release
from services.work.tend import clear, tend_all
from tests.services.archives import MORNING, NEXT_NIGHT, NIGHT, WINDOW, Archive
from tests.services.conftest import Desk
from tests.services.overnight import grade

RUNNING = (BatchState.RUNNING, None)


@pytest.fixture
def archive(desk: Desk, settings: Settings) -> Archive:
    """Three studies that 1.0.0 has read, and 2.0.0 to read them with."""
    archive = Archive(desk, settings.model_copy(update={"batch_ahead": 2}))
    for name in ("one", "two", "three"):
        archive.study(name, grade(1))
    archive.register_new()
    return archive


def test_a_batch_reads_every_study_once_and_is_finished(archive: Archive, each_store: Store) -> None:
    archive.start()
    archive.tend()
    assert (archive.state, archive.count(BatchItemState.QUEUED)) == (RUNNING, 2)
    assert archive.read_all() == 2
    archive.tend()
    assert archive.read_all() == 1
    archive.tend()
    assert archive.state == (BatchState.FINISHED, None)
    assert [item.state for item in archive.items()] == [BatchItemState.DONE] * 3
    assert [item.headline for item in archive.items()] == ["DR grade 1 -> 2, now referable"] * 3
    assert archive.batch().finished_at is not None


def test_studies_of_every_site_are_read(archive: Archive, store: Store) -> None:
    with unit_of_work(store.database) as session:
        north = create_site(session, "north")
        session.execute(update(Study).where(Study.id == archive.studies()[1].id).values(site_id=north.id))
    archive.start()
    archive.tend()
    assert {item.study_id for item in archive.items()} == {study.id for study in archive.studies()}


def test_the_jobs_are_those_that_routing_would_make(archive: Archive, store: Store) -> None:
    archive.start()
    archive.tend()
    first = archive.jobs()[0]
    assert (first.priority, first.queue, first.batch_id, first.held) == (2, "retinopathy", archive.batch_id, False)
    assert archive.bell.rings == ["retinopathy"] * 2


def test_no_more_jobs_wait_than_are_asked_for_ahead(archive: Archive, store: Store) -> None:
    archive.start()
    for _ in range(3):
        archive.tend()
    assert len(archive.jobs()) == 2


def test_outside_its_window_a_batch_is_planned_and_waits(archive: Archive, store: Store) -> None:
    archive.start(window=WINDOW)
    archive.tend(MORNING)
    assert archive.state == (BatchState.WAITING, tend.OUTSIDE)
    assert (len(archive.items()), archive.jobs()) == (3, [])


def test_at_the_end_of_the_night_what_waits_is_held_and_what_runs_ends(archive: Archive, each_store: Store) -> None:
    archive.start(window=WINDOW)
    archive.tend(NIGHT)
    running = archive.desk.claim()
    assert running is not None
    archive.tend(MORNING)
    assert archive.desk.claim() is None
    assert [job.held for job in archive.jobs() if job.state == JobState.QUEUED] == [True]
    archive.tend(NEXT_NIGHT)
    assert archive.desk.claim() is not None


def test_a_night_reads_no_more_studies_than_its_budget(archive: Archive, store: Store) -> None:
    archive.start(window=WINDOW, budget={"studies": 1})
    archive.tend(NIGHT)
    assert (archive.state, archive.read_all()) == (RUNNING, 1)
    archive.tend(NIGHT)
    assert (archive.state, archive.read_all()) == ((BatchState.WAITING, tend.SPENT), 0)
    archive.tend(NEXT_NIGHT)
    assert archive.read_all() == 1


def test_what_the_budget_let_begin_is_read_though_the_budget_is_spent(archive: Archive, store: Store) -> None:
    archive.start(budget={"studies": 1})
    archive.tend(NIGHT)
    archive.tend(NIGHT)
    assert archive.state == (BatchState.WAITING, tend.SPENT)
    assert archive.read_all() == 1


def test_hours_of_reading_used_up_hold_what_waits(archive: Archive, store: Store) -> None:
    # The readings of these tests say that they took 0.1 s, and the database says when they ended: now.
    archive.start(budget={"hours": 0.05 / 3600})
    with unit_of_work(store.database, writing=False) as session:
        now = session.scalars(select(tend.utcnow())).one()
    archive.tend(now)
    assert archive.read_one() is not None
    archive.tend(now)
    assert (archive.state, archive.read_one()) == ((BatchState.WAITING, tend.SPENT), None)


def test_a_paused_batch_begins_nothing_until_it_is_resumed(archive: Archive, each_store: Store) -> None:
    archive.start()
    archive.tend()
    reprocess.pause(each_store, "user:1", archive.batch_id)
    archive.tend()
    assert (archive.state, archive.read_all()) == ((BatchState.PAUSED, reprocess.PAUSED_BY_PERSON), 0)
    reprocess.resume(each_store, "user:1", archive.batch_id)
    archive.tend()
    assert (archive.state, archive.read_all()) == (RUNNING, 2)


def test_a_cancelled_batch_ends_its_jobs_and_items_and_keeps_its_results(archive: Archive, each_store: Store) -> None:
    archive.start()
    archive.tend()
    archive.read_one()
    reprocess.cancel(each_store, "user:1", archive.batch_id)
    assert {job.state for job in archive.jobs()} == {JobState.SUCCEEDED, JobState.CANCELLED}
    clear(each_store, archive.batch_id)
    assert sorted(item.state for item in archive.items()) == ["done", "skipped", "skipped"]
    assert archive.batch().finished_at is not None
    with pytest.raises(Conflict):
        reprocess.resume(each_store, "user:1", archive.batch_id)


def test_the_scheduler_ends_the_items_of_a_cancelled_batch(archive: Archive, store: Store) -> None:
    archive.start()
    reprocess.cancel(store, "user:1", archive.batch_id)
    tend_all(store, archive.bell, archive.settings)
    assert archive.batch().finished_at is not None


def test_what_the_target_answers_already_is_left_out(archive: Archive, store: Store) -> None:
    archive.start(model_version="1.0.0")
    archive.tend()
    assert (archive.items(), archive.state) == ([], (BatchState.FINISHED, None))


def test_what_an_earlier_batch_read_is_settled_without_reading_again(archive: Archive, each_store: Store) -> None:
    first = archive.start()
    for _ in range(3):
        archive.tend()
        archive.read_all()
    second = archive.start()
    archive.tend()
    assert archive.state == (BatchState.FINISHED, None)
    assert [item.new_result_id for item in archive.items(second)] == [
        item.new_result_id for item in archive.items(first)
    ]
    with unit_of_work(each_store.database, writing=False) as session:
        assert len(session.scalars(select(Result).where(Result.role == "batch")).all()) == 3


def test_a_question_that_was_answered_is_settled_as_it_is_asked(archive: Archive, store: Store) -> None:
    archive.start()
    archive.tend()
    archive.read_all()
    second = archive.start()
    tend.plan(store, second)
    tend.follow_clock(store, second, NIGHT)
    release(store, archive.bell, second, ahead=2, left=None)
    assert [item.state for item in archive.items(second)] == ["done", "done", "waiting"]


def test_two_batches_share_one_job_and_both_hear_of_its_result(archive: Archive, each_store: Store) -> None:
    first = archive.start()
    archive.tend()
    second = archive.start()
    archive.tend()
    assert len(archive.jobs()) == 2
    archive.read_all()
    done = [sum(item.state == BatchItemState.DONE for item in archive.items(one)) for one in (first, second)]
    assert done == [2, 2]


def test_a_job_that_failed_is_asked_again_by_the_next_batch(archive: Archive, store: Store) -> None:
    archive.start()
    archive.tend()
    claim = archive.desk.claim()
    assert claim is not None
    with unit_of_work(store.database) as session:
        attempts.fail(session, claim, BadRequest("the archive was away"))
    assert archive.count(BatchItemState.FAILED) == 1
    archive.start()
    archive.tend()
    with unit_of_work(store.database, writing=False) as session:
        assert session.get_one(Job, claim.job_id).state == JobState.QUEUED


def test_a_quarantined_job_stays_where_it_is_and_fails_its_item(archive: Archive, store: Store) -> None:
    archive.start()
    archive.tend()
    reprocess.cancel(store, "user:1", archive.batch_id)
    poison = archive.jobs()[0].id
    archive.desk.change(poison, state=JobState.QUARANTINED, error_code="reader_crashed")
    archive.start()
    archive.tend()
    item = next(item for item in archive.items() if item.job_id == poison)
    assert (item.state, item.error_code) == (BatchItemState.FAILED, "reader_crashed")


def test_a_study_that_takes_images_is_read_when_it_is_closed(archive: Archive, store: Store) -> None:
    archive.start(window=WINDOW)
    archive.tend(MORNING)
    receiving = archive.items()[0]
    archive.set_study_state(receiving.study_id, StudyState.RECEIVING)
    archive.tend(NIGHT)
    assert (archive.items()[0].state, archive.count(BatchItemState.QUEUED)) == (BatchItemState.WAITING, 2)
    archive.read_all()
    archive.set_study_state(receiving.study_id, StudyState.COMPLETE)
    archive.tend(NIGHT)
    assert archive.items()[0].state == BatchItemState.QUEUED


def test_an_item_whose_job_ended_unheard_is_settled_all_the_same(archive: Archive, each_store: Store) -> None:
    archive.start()
    archive.tend()
    archive.desk.change(archive.jobs()[0].id, state=JobState.FAILED, error_code="job_timeout")
    archive.tend()
    assert [(i.state, i.error_code) for i in archive.items() if i.state == "failed"] == [("failed", "job_timeout")]


def test_planning_goes_on_where_it_was_and_makes_no_item_twice(
    archive: Archive, each_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tend, "PAGE", 2)
    batch_id = archive.start()
    assert tend.plan_page(each_store, batch_id) is True
    assert (len(archive.items()), archive.state) == (2, (BatchState.PLANNING, None))
    assert tend.plan_page(each_store, batch_id) is False
    assert tend.plan_page(each_store, batch_id) is False
    assert len({item.subject_id for item in archive.items()}) == len(archive.items()) == 3


def test_only_what_the_query_means_is_read(archive: Archive, store: Store) -> None:
    archive.study("sick", grade(3))
    archive.study("nobody has read this one")
    archive.start(query={"finding": {"label": "dr_grade", "min": 2}})
    archive.tend()
    sick = archive.studies()[3].id
    assert [item.study_id for item in archive.items()] == [sick]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 5),
        ({"read_by": "1.0.0"}, 4),
        ({"read_by": "0.9.0"}, 0),
        ({"abstained": True}, 1),
        ({"review_state": "unread"}, 4),
        ({"review_state": "signed"}, 0),
        ({"from": "2026-02-01"}, 1),
        ({"to": "2026-01-31"}, 0),
        ({"finding": {"label": "dr_grade", "max": 1}}, 3),
    ],
)
def test_a_query_asks_for_the_answer_and_the_day(
    archive: Archive, store: Store, query: dict[str, object], found: int
) -> None:
    unsure = archive.study("unsure", grade(None))
    archive.study("nobody has read this one")
    with unit_of_work(store.database) as session:
        session.get_one(Study, unsure).study_date = date(2026, 3, 1)
    archive.start(query=query)
    archive.tend(MORNING)
    assert len(archive.items()) == found


def test_a_batch_that_cannot_go_on_fails_and_stops_no_other(archive: Archive, store: Store) -> None:
    broken = archive.start()
    with unit_of_work(store.database) as session:
        version = models.find_version(session, "fundus_dr_grading", "2.0.0")
        models.add_event(session, version.id, ModelState.RETIRED, "user:1", "no good")
    archive.start(model_version="1.0.0")
    tend_all(store, archive.bell, archive.settings)
    tend_all(store, archive.bell, archive.settings)
    assert (archive.batch(broken).state, archive.batch(broken).reason) == ("failed", "the model version was retired")
    assert archive.batch(broken).finished_at is not None
    assert archive.state == (BatchState.FINISHED, None)


def test_what_a_person_does_is_audited_and_told(archive: Archive, store: Store) -> None:
    archive.start()
    reprocess.pause(store, "user:1", archive.batch_id)
    reprocess.resume(store, "user:1", archive.batch_id)
    reprocess.cancel(store, "user:1", archive.batch_id)
    with unit_of_work(store.database, writing=False) as session:
        actions = session.scalars(select(AuditRow.action).where(AuditRow.action.like("batch.%")).order_by(AuditRow.id))
        told = session.scalars(select(OutboxEvent.payload).filter_by(topic="batch").order_by(OutboxEvent.id))
        assert list(actions) == ["batch.started", "batch.paused", "batch.resumed", "batch.cancelled"]
        assert [one["state"] for one in told] == ["planning", "paused", "waiting", "cancelled"]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"pipeline": "palmistry"}, NotFound),
        ({"model_version": "9.9.9"}, UnknownModel),
        ({"window": WINDOW | {"zone": "Mars/Olympus"}}, BadRequest),
    ],
)
def test_a_batch_that_cannot_be_is_refused(archive: Archive, asked: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        archive.start(**asked)


def test_a_retired_version_reads_nothing(archive: Archive, store: Store) -> None:
    with unit_of_work(store.database) as session:
        version = models.find_version(session, "fundus_dr_grading", "2.0.0")
        models.add_event(session, version.id, ModelState.RETIRED, "user:1", "no good")
    with pytest.raises(ModelError):
        archive.start()


def test_two_schedulers_at_once_do_nothing_twice(archive: Archive, each_store: Store) -> None:
    for number in range(6):
        archive.study(f"more-{number}", grade(1))
    batch_id = archive.start()

    def schedule() -> None:
        for _ in range(8):
            tend_all(each_store, archive.bell, archive.settings)

    with ThreadPoolExecutor(3) as threads:
        schedulers = [threads.submit(schedule) for _ in range(2)]
        worker = threads.submit(lambda: [archive.read_all() for _ in range(30)])
        read = sum(worker.result())
        for each in schedulers:
            each.result()
    for _ in range(6):
        archive.tend()
        read += archive.read_all()
    archive.tend()
    assert (read, len(archive.jobs()), len(archive.items(batch_id))) == (9, 9, 9)
    assert archive.state == (BatchState.FINISHED, None)
