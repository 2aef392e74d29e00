"""Jobs of batches: held, released, cancelled together; one question is asked once, whoever asks."""

from __future__ import annotations

import pytest

from pipelines.core.errors import CorruptPixels
from services.store import attempts, batch_jobs, jobs, leases
from services.store.clock import seconds_from_now
from services.store.ids import new_id
from services.store.jobs import NewJob
from services.store.session import unit_of_work
from services.store.states import BatchItemState, BatchState, JobRole, JobState, Priority
from services.store.tables import Batch, BatchItem, CurrentResult, Result
from tests.services.store.world import digest_of, document

BATCH = new_id()


@pytest.fixture
def batch_job(desk):
    """Queues a job of the batch."""

    def make(**columns: object) -> str:
        job_id = desk.queue(Priority.BATCH, role=JobRole.BATCH)
        desk.change(job_id, batch_id=BATCH, **columns)
        return job_id

    return make


def wish(desk, job_id: str, role: JobRole, priority: Priority = Priority.ROUTINE, **more: object):
    """Ask the question of a job once more."""
    row = desk.job(job_id)
    new = NewJob(
        key=row.key,
        slot_id=row.slot_id,
        study_id=row.study_id,
        pipeline=row.pipeline,
        pipeline_revision=1,
        model_version_id=row.model_version_id,
        queue=row.queue,
        priority=priority,
        instance_ids=[],
        role=role,
        **more,
    )
    with unit_of_work(desk.store.database) as session:
        return jobs.add_job(session, new)


def answer(desk, claim) -> str:
    """The claim's job succeeds; returns its result's id."""
    with unit_of_work(desk.store.database) as session:
        role = attempts.succeed(session, claim, None)
        result = Result(
            id=new_id(),
            job_id=claim.job_id,
            slot_id=claim.slot_id,
            study_id=claim.study_id,
            pipeline=claim.pipeline,
            role=role,
            model_name="fundus_dr_grading",
            model_version="1.0.0",
            model_sha256=digest_of("weights"),
            receipt_digest=digest_of("receipt"),
            abstained=False,
            urgency="routine",
            document=document(),
        )
        session.add(result)
        return result.id


def pointer(desk, job_id: str) -> str | None:
    """What the job's slot points to."""
    with unit_of_work(desk.store.database, writing=False) as session:
        row = session.get(CurrentResult, desk.job(job_id).slot_id)
        return row.result_id if row else None


def test_a_held_batch_waits_and_takes_its_place_when_it_is_released(desk, batch_job, each_store):
    old = batch_job(created_at=seconds_from_now(-700))
    fresh = desk.queue()
    with unit_of_work(each_store.database) as session:
        batch_jobs.hold_batch(session, BATCH)
    assert desk.claim().job_id == fresh and desk.claim() is None
    younger = desk.queue()
    with unit_of_work(each_store.database) as session:
        batch_jobs.release_batch(session, BATCH)
    assert [desk.claim().job_id, desk.claim().job_id] == [old, younger]


def test_holding_a_batch_lets_what_runs_run_on(desk, batch_job, store):
    job_id = batch_job()
    claim = desk.claim()
    with unit_of_work(store.database) as session:
        batch_jobs.hold_batch(session, BATCH)
        assert leases.heartbeat(session, claim, 60, "infer", 0.5)
    assert desk.job(job_id).state == JobState.RUNNING


def test_a_long_stream_of_stat_jobs_delays_the_rest_and_changes_not_its_order(desk, batch_job, store):
    batch, routine = batch_job(created_at=seconds_from_now(-900)), desk.queue()
    stats = [desk.queue(Priority.STAT) for _ in range(6)]
    claimed = [desk.claim().job_id for _ in range(3)]
    stats += [desk.queue(Priority.STAT) for _ in range(2)]
    claimed += [desk.claim().job_id for _ in range(7)]
    assert claimed == [*stats, batch, routine]


def test_a_batch_is_cancelled_in_groups_waiting_and_running_alike(desk, batch_job, each_store, monkeypatch):
    monkeypatch.setattr(attempts, "GROUP", 2)
    others, made = desk.queue(), [batch_job() for _ in range(3)]
    running = desk.claim(queue="retinopathy")
    counts = []
    for _ in range(3):
        with unit_of_work(each_store.database) as session:
            counts.append(attempts.cancel_batch(session, BATCH))
    assert counts == [2, 1, 0] and running.job_id == others
    assert [desk.job(job_id).error_code for job_id in made] == [jobs.BATCH_CANCELLED] * 3
    assert desk.job(others).state == JobState.RUNNING


@pytest.mark.parametrize(
    ("state", "held"), [(BatchState.RUNNING, False), (BatchState.WAITING, True), (BatchState.PAUSED, True)]
)
def test_what_two_batches_wait_for_goes_on_as_the_others_when_one_ends(desk, batch_job, each_store, state, held):
    shared, own = batch_job(), batch_job()
    other = another_batch(desk, shared, state)
    with unit_of_work(each_store.database) as session:
        attempts.cancel_batch(session, BATCH)
    row = desk.job(shared)
    assert (row.state, row.batch_id, row.held) == (JobState.QUEUED, other, held)
    assert desk.job(own).state == JobState.CANCELLED


def test_pausing_one_batch_does_not_hold_what_another_that_runs_waits_for(desk, batch_job, store):
    shared = batch_job()
    another_batch(desk, shared, BatchState.RUNNING)
    with unit_of_work(store.database) as session:
        batch_jobs.hold_batch(session, BATCH)
    assert desk.claim().job_id == shared


def another_batch(desk, job_id: str, state: BatchState) -> str:
    """A second batch that waits for the job."""
    row = desk.job(job_id)
    with unit_of_work(desk.store.database) as session:
        batch = Batch(
            name="again",
            pipeline=row.pipeline,
            model_version_id=row.model_version_id,
            source={},
            query={},
            window={},
            budget={},
            state=state,
            created_by="user:x",
        )
        session.add(batch)
        session.flush()
        item = {"subject_kind": "study", "subject_id": row.study_id, "state": BatchItemState.QUEUED}
        session.add(BatchItem(batch_id=batch.id, study_id=row.study_id, job_id=job_id, **item))
        return batch.id


def test_a_study_that_asks_what_a_batch_waits_to_ask_makes_the_job_its_own(desk, batch_job, each_store):
    job_id = batch_job(held=True)
    assert wish(desk, job_id, JobRole.LIVE, Priority.STAT) == jobs.AddedJob(job_id, created=False)
    row = desk.job(job_id)
    assert (row.role, row.priority, row.batch_id, row.held) == (JobRole.LIVE, Priority.STAT, None, False)
    assert desk.claim().role is JobRole.LIVE


@pytest.mark.parametrize("role", [JobRole.BATCH, JobRole.SHADOW])
def test_a_study_that_asks_what_was_answered_gets_that_answer(desk, store, role):
    job_id = desk.queue(role=role)
    result_id = answer(desk, desk.claim())
    assert pointer(desk, job_id) is None
    wish(desk, job_id, JobRole.LIVE)
    assert (pointer(desk, job_id), desk.job(job_id).state) == (result_id, JobState.SUCCEEDED)


def test_a_study_that_asks_while_a_batch_reads_gets_the_result_as_its_own(desk, batch_job, store):
    job_id = batch_job()
    claim = desk.claim()
    wish(desk, job_id, JobRole.LIVE)
    with unit_of_work(store.database) as session:
        assert attempts.succeed(session, claim, None) is JobRole.LIVE


def test_a_batch_that_asks_what_a_study_asked_changes_nothing(desk, store):
    job_id = desk.queue(Priority.STAT)
    assert wish(desk, job_id, JobRole.BATCH, Priority.BATCH, batch_id=BATCH) == jobs.AddedJob(job_id, created=False)
    row = desk.job(job_id)
    assert (row.role, row.priority, row.batch_id) == (JobRole.LIVE, Priority.STAT, None)


def test_what_was_cancelled_with_its_batch_is_asked_again_by_the_next(desk, batch_job, store):
    job_id, later = batch_job(), new_id()
    with unit_of_work(store.database) as session:
        attempts.cancel_batch(session, BATCH)
    wish(desk, job_id, JobRole.BATCH, Priority.BATCH, batch_id=later, held=True)
    row = desk.job(job_id)
    assert (row.state, row.batch_id, row.held) == (JobState.QUEUED, later, True)


def test_what_failed_for_a_batch_stays_failed_until_a_person_asks(desk, batch_job, store):
    job_id = batch_job()
    claim = desk.claim()
    with unit_of_work(store.database) as session:
        attempts.fail(session, claim, CorruptPixels())
    wish(desk, job_id, JobRole.BATCH, Priority.BATCH, batch_id=BATCH)
    assert desk.job(job_id).state == JobState.FAILED
