"""All jobs of one reason run again; those that somebody changed meanwhile are left as they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pipelines.core.errors import BadInput
from services.store import attempts
from services.store.failures import Failure
from services.store.session import unit_of_work
from services.store.states import JobState
from services.work import jobs
from tests.services.conftest import Desk

CORRUPT = Failure(JobState.FAILED, "retinopathy", "corrupt_pixels")


@dataclass
class Colleague:
    """A broker at whose first ring somebody else changes a job."""

    desk: Desk
    job_id: str
    rings: list[str] = field(default_factory=list)

    def ring(self, queue: str) -> None:
        """The job is taken in hand by somebody else."""
        self.rings.append(queue)
        if len(self.rings) == 1:
            self.desk.change(self.job_id, state=JobState.CANCELLED)

    def waiting(self, queue: str) -> int | None:
        """As if the broker were away."""
        return None


def fail_next(desk: Desk) -> str:
    """The next job fails."""
    desk.queue()
    claim = desk.claim()
    assert claim is not None
    with unit_of_work(desk.store.database) as session:
        attempts.fail(session, claim, BadInput("the pixels do not decode", code="corrupt_pixels"))
    return claim.job_id


def test_a_job_that_somebody_changed_meanwhile_is_left_as_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "GROUP", 1)
    first, second = fail_next(desk), fail_next(desk)
    bell = Colleague(desk, second)
    assert jobs.retry_all(desk.store, bell, CORRUPT, 10, "user:x") == 1
    assert (desk.job(first).state, desk.job(second).state) == (JobState.QUEUED, JobState.CANCELLED)
    assert bell.rings == ["retinopathy"]
