"""Failures by their reason: counted and named; test_plans.py holds which index finds them."""

from __future__ import annotations

from pipelines.core.errors import BadInput, ReaderCrashed
from services.store import attempts, failures
from services.store.failures import Failure
from services.store.session import unit_of_work
from services.store.states import JobState
from services.store.stores import Store
from tests.services.conftest import Desk

CORRUPT = Failure(JobState.FAILED, "retinopathy", "corrupt_pixels")


def fail_next(desk: Desk, code: str) -> str:
    """The next job fails for this reason."""
    desk.queue()
    claim = desk.claim()
    assert claim is not None
    with unit_of_work(desk.store.database) as session:
        attempts.fail(session, claim, BadInput("the pixels do not decode", code=code))
    return claim.job_id


def quarantine_next(desk: Desk) -> None:
    """The next job ends its process until it is kept away."""
    desk.queue()
    for _ in range(attempts.ATTRIBUTED_DEATHS):
        claim = desk.claim()
        assert claim is not None
        with unit_of_work(desk.store.database) as session:
            attempts.die_of_itself(session, claim, ReaderCrashed(), 11, None)


def test_failures_are_counted_by_reason_with_their_newest_jobs(desk: Desk, each_store: Store) -> None:
    corrupt = [fail_next(desk, "corrupt_pixels") for _ in range(4)]
    fail_next(desk, "too_few_slices")
    with unit_of_work(each_store.database, writing=False) as session:
        newest, older = failures.failure_groups(session)
    assert (newest.failure.error_code, newest.jobs) == ("too_few_slices", 1)
    assert (older.failure, older.jobs) == (CORRUPT, 4)
    assert [job.id for job in older.examples] == corrupt[:0:-1]


def test_quarantined_jobs_are_a_group_of_their_own(desk: Desk, each_store: Store) -> None:
    quarantine_next(desk)
    fail_next(desk, "corrupt_pixels")
    with unit_of_work(each_store.database, writing=False) as session:
        states = [group.failure.state for group in failures.failure_groups(session)]
        assert failures.count_failed(session, JobState.QUARANTINED) == 1
    assert states == [JobState.FAILED, JobState.QUARANTINED]
