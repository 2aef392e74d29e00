"""Jobs: added once, claimed in order by one worker each, fenced, and ended as their deaths deserve."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.errors import LeaseLost, OverreadError, ReaderCrashed, ReaderDied, Unavailable
from services.store import attempts, jobs, leases
from services.store.clock import seconds_from_now
from services.store.leases import Claim
from services.store.session import unit_of_work
from services.store.states import AttemptOutcome, JobState, Priority
from services.store.tables import Attempt, Job, JobInput, OutboxEvent, WorklistRow

CRASH = ReaderCrashed.by(11, 1024)
LOST = ReaderDied.by(9, None)


def outcomes(session: Session, job_id: str) -> list[str]:
    return list(session.scalars(select(Attempt.outcome).where(Attempt.job_id == job_id).order_by(Attempt.fence)))


def test_a_job_of_one_key_is_added_once(desk, store):
    job_id = desk.queue()
    with unit_of_work(store.database) as session:
        row = session.get_one(Job, job_id)
        again = jobs.NewJob(
            row.key, row.slot_id, row.study_id, row.pipeline, 1, row.model_version_id, row.queue, Priority.STAT, ["x"]
        )
        assert jobs.add_job(session, again) == jobs.AddedJob(job_id, created=False)
        assert len(session.scalars(select(JobInput).where(JobInput.job_id == job_id)).all()) == 1


def test_the_key_depends_on_each_of_its_parts():
    base = (["a", "b"], "retinopathy", 1, "m", {"x": 1, "y": 2})
    others = [
        (["b", "a"], *base[1:]),
        (base[0], "other", *base[2:]),
        (*base[:2], 2, *base[3:]),
        (*base[:3], "n", base[4]),
        (*base[:4], {"x": 1}),
    ]
    assert len({jobs.job_key(*parts) for parts in [base, *others]}) == len(others) + 1
    assert jobs.job_key(*base) == jobs.job_key(["a", "b"], "retinopathy", 1, "m", {"y": 2, "x": 1})


def test_a_stat_job_overtakes_everything_however_old(desk, each_store):
    old = desk.queue(Priority.ROUTINE)
    desk.change(old, created_at=seconds_from_now(-100_000))
    stat = desk.queue(Priority.STAT)
    assert [desk.claim().job_id, desk.claim().job_id] == [stat, old]


def test_a_routine_job_goes_before_a_batch_job_of_the_same_age(desk, each_store):
    batch, routine = desk.queue(Priority.BATCH), desk.queue(Priority.ROUTINE)
    assert [desk.claim().job_id, desk.claim().job_id] == [routine, batch]


def test_a_batch_job_that_waited_long_enough_goes_before_fresh_routine_work(desk, each_store):
    batch = desk.queue(Priority.BATCH)
    desk.change(batch, created_at=seconds_from_now(-601))
    routine = desk.queue(Priority.ROUTINE)
    assert [desk.claim().job_id, desk.claim().job_id] == [batch, routine]


def test_a_job_that_must_wait_is_not_claimed_before_its_time(desk, each_store):
    job_id = desk.queue()
    desk.change(job_id, not_before=seconds_from_now(60))
    assert desk.claim() is None
    desk.change(job_id, not_before=seconds_from_now(-1))
    assert desk.claim().job_id == job_id


def test_a_queue_gives_only_its_own_jobs(desk, store):
    desk.queue(queue="segmentation")
    assert desk.claim() is None


def test_every_claim_of_a_job_takes_the_next_fence_number(desk, store):
    job_id = desk.queue()
    first = desk.claim()
    with unit_of_work(store.database) as session:
        attempts.give_back(session, first)
    second = desk.claim("w2")
    assert (first.job_id, second.job_id, first.fence, second.fence) == (job_id, job_id, 1, 2)


def test_two_workers_claiming_at_once_never_get_the_same_job(desk, each_store):
    queued = {desk.queue() for _ in range(12)}
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda n: _claim_all(desk, f"w{n}"), range(4)))
    taken = [job_id for own in claims for job_id in own]
    assert len(taken) == len(set(taken)) and set(taken) <= queued
    assert set(taken) | set(_claim_all(desk, "last")) == queued


def _claim_all(desk, worker: str) -> list[str]:
    return [claim.job_id for claim in iter(lambda: desk.claim(worker), None)]


def test_the_heartbeat_extends_the_lease_and_writes_the_step(desk, each_store):
    job_id = desk.queue()
    claim = desk.claim(lease_seconds=1)
    before = desk.job(job_id).lease_until
    with unit_of_work(each_store.database) as session:
        assert leases.heartbeat(session, claim, 60, "infer", 0.4)
    row = desk.job(job_id)
    assert (row.step, row.progress) == ("infer", 0.4) and row.lease_until > before


def test_the_heartbeat_of_an_old_fence_learns_that_its_claim_is_gone(desk, store):
    desk.queue()
    old = desk.claim()
    with unit_of_work(store.database) as session:
        attempts.give_back(session, old)
    desk.claim("w2")
    with unit_of_work(store.database) as session:
        assert not leases.heartbeat(session, old, 60, None, 0)


@pytest.mark.parametrize(
    "end",
    [
        attempts.give_back,
        lambda session, claim: attempts.fail(session, claim, OverreadError()),
        lambda session, claim: attempts.retry_later(session, claim, Unavailable(), 5),
        lambda session, claim: attempts.die_of_itself(session, claim, CRASH, 11, None),
        lambda session, claim: attempts.die_of_unknown(session, claim, AttemptOutcome.DIED, LOST),
        lambda session, claim: attempts.succeed(session, claim, None),
    ],
)
def test_no_ending_counts_once_another_worker_holds_the_job(desk, store, end):
    job_id = desk.queue()
    old = desk.claim()
    with unit_of_work(store.database) as session:
        attempts.give_back(session, old)
    new = desk.claim("w2")
    with pytest.raises(LeaseLost), unit_of_work(store.database) as session:
        end(session, old)
    assert (desk.job(job_id).state, desk.job(job_id).fence) == (JobState.RUNNING, new.fence)


def test_a_job_given_back_counts_no_attempt_and_no_death(desk, store):
    job_id = desk.queue()
    end_claim(desk, attempts.give_back)
    with unit_of_work(store.database, writing=False) as session:
        assert outcomes(session, job_id) == [AttemptOutcome.STOPPED]
    row = desk.job(job_id)
    assert (row.state, row.attempts, row.attributed_deaths, row.unattributed_deaths) == (JobState.QUEUED, 0, 0, 0)


def end_claim(desk, end) -> Claim:
    """Claim the only due job and end the claim."""
    claim = desk.claim()
    with unit_of_work(desk.store.database) as session:
        end(session, claim)
    return claim


def test_a_retryable_error_waits_longer_each_time_and_fails_at_the_cap(desk, each_store):
    job_id = desk.queue()
    waits = []
    for _ in range(3):
        desk.change(job_id, not_before=None)
        end_claim(desk, lambda session, claim: attempts.retry_later(session, claim, Unavailable(), 3))
        row = desk.job(job_id)
        waits.append((row.not_before - row.heartbeat_at).total_seconds() if row.not_before else 0.0)
    assert 1.5 < waits[0] < waits[1] and desk.job(job_id).state == JobState.FAILED
    assert desk.job(job_id).error_code == "unavailable"


def test_two_deaths_of_its_own_making_quarantine_a_job(desk, store):
    job_id = desk.queue()
    states = []
    for _ in range(2):
        end_claim(desk, lambda session, claim: attempts.die_of_itself(session, claim, CRASH, 11, 1024))
        states.append(desk.job(job_id).state)
    assert states == [JobState.QUEUED, JobState.QUARANTINED]
    assert desk.job(job_id).error_code == "reader_crashed"


def test_a_death_says_its_signal_and_memory_in_the_attempt(desk, store):
    desk.queue()
    claim = end_claim(desk, lambda session, claim: attempts.die_of_itself(session, claim, CRASH, 11, 1024))
    with unit_of_work(store.database, writing=False) as session:
        row = session.scalars(select(Attempt).where(Attempt.job_id == claim.job_id)).one()
    assert (row.outcome, row.signal, row.peak_memory_bytes, row.worker) == (AttemptOutcome.DIED, 11, 1024, "w1")


def test_after_two_deaths_of_unknown_cause_a_job_runs_alone_and_a_third_quarantines_it(desk, store):
    job_id = desk.queue()
    seen = []
    for _ in range(3):
        claim = end_claim(
            desk, lambda session, claim: attempts.die_of_unknown(session, claim, AttemptOutcome.LEASE_LOST, LOST)
        )
        seen.append((claim.alone, desk.job(job_id).state))
    assert seen == [(False, JobState.QUEUED), (False, JobState.QUEUED), (True, JobState.QUARANTINED)]


def test_an_innocent_job_killed_twice_with_its_worker_still_succeeds(desk, store):
    job_id = desk.queue()
    for _ in range(2):
        end_claim(desk, lambda session, claim: attempts.die_of_unknown(session, claim, AttemptOutcome.LEASE_LOST, LOST))
    end_claim(desk, lambda session, claim: attempts.succeed(session, claim, None))
    assert desk.job(job_id).state == JobState.SUCCEEDED


def test_a_cancelled_job_tells_its_worker_at_the_next_heartbeat(desk, store):
    job_id = desk.queue()
    claim = desk.claim()
    with unit_of_work(store.database) as session:
        assert attempts.cancel(session, job_id, OverreadError(code="cancelled"))
        assert not leases.heartbeat(session, claim, 60, None, 0)
        assert outcomes(session, job_id) == [AttemptOutcome.CANCELLED]


def test_a_study_that_reopens_cancels_its_open_jobs_and_the_same_question_queues_them_again(desk, store):
    job_id = desk.queue()
    row = desk.job(job_id)
    with unit_of_work(store.database) as session:
        assert attempts.cancel_open(session, row.study_id) == [job_id]
    assert desk.job(job_id).state == JobState.CANCELLED
    with unit_of_work(store.database) as session:
        again = jobs.NewJob(
            row.key, row.slot_id, row.study_id, row.pipeline, 1, row.model_version_id, row.queue, Priority.STAT, []
        )
        assert jobs.add_job(session, again).id == job_id
    assert desk.job(job_id).state == JobState.QUEUED


def test_a_change_of_state_is_on_the_worklist_and_in_the_event_stream(desk, store):
    job_id = desk.queue()
    desk.claim()
    with unit_of_work(store.database, writing=False) as session:
        assert session.scalars(select(WorklistRow.job_state)).all() == [JobState.RUNNING]
        events = [event.payload for event in session.scalars(select(OutboxEvent).order_by(OutboxEvent.id))]
    assert [(event["job"], event["state"]) for event in events if "job" in event] == [
        (job_id, JobState.QUEUED),
        (job_id, JobState.RUNNING),
    ]
