"""The sweep: take back jobs whose lease ran out, and ring for work whose ring was lost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select

from pipelines.core.errors import LeaseLost, OverreadError, ReaderDied
from services.broker import Bell
from services.log import logger
from services.store import attempts, leases, queues
from services.store.clock import utcnow
from services.store.leases import Claim
from services.store.session import after_commit, unit_of_work
from services.store.states import AttemptOutcome, JobState
from services.store.stores import Store
from services.store.studies import lock_study
from services.store.tables import Job

log = logger("scheduler")
#: Rings a queue gets in one sweep: each drains the queue by itself, more only wake more workers.
RINGS: Final = 16
#: A lease must stay expired for so long: a worker that was only cut off beats as soon as the database answers again.
PATIENCE_SECONDS: Final = 2.0
#: A job whose worker met a mistake in our own program runs once more, then it fails.
DEFECT_ATTEMPTS: Final = 2
#: Which claim: the job's id and its fence.
Seen = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found: jobs taken back and rings sent."""

    reclaimed: int
    rings: int


@dataclass
class Sweeper:
    """Sweeps again and again; a lease that is found expired is looked at twice before its job is taken back.

    After an outage of the database every lease may have run out, of dead workers and of those that only waited.
    """

    store: Store
    bell: Bell
    patience_seconds: float = PATIENCE_SECONDS
    _expired: dict[Seen, float] = field(default_factory=dict)

    def sweep(self) -> Swept:
        """Take back what dead workers held, then ring for what is due. Raises DatabaseUnavailable."""
        now = time.monotonic()
        claims = {(claim.job_id, claim.fence): claim for claim in _expired_claims(self.store)}
        self._expired = {seen: self._expired.get(seen, now) for seen in claims}
        dead = [claims[seen] for seen, since in self._expired.items() if now - since >= self.patience_seconds]
        reclaimed = sum(_reclaim(self.store, self.bell, claim, expired=True) for claim in dead)
        return Swept(reclaimed, ring_for_due(self.store, self.bell))


def sweep(store: Store, bell: Bell) -> Swept:
    """One sweep that waits for nobody. Raises DatabaseUnavailable."""
    return Sweeper(store, bell, patience_seconds=0).sweep()


def _expired_claims(store: Store) -> list[Claim]:
    with unit_of_work(store.database, writing=False) as session:
        expired = select(Job).where(Job.state == JobState.RUNNING, Job.lease_until < utcnow())
        return [leases.claim_of(job) for job in session.scalars(expired)]


def end_defective(store: Store, bell: Bell, worker: str, error: Exception) -> int:
    """End what this worker holds after a defect of its own: run once more, then failed with the kind of the error."""
    said = OverreadError(f"the worker failed unexpectedly ({type(error).__name__})")
    with unit_of_work(store.database, writing=False) as session:
        held = session.scalars(select(Job).where(Job.state == JobState.RUNNING, Job.worker == worker)).all()
    for job in held:
        try:
            with unit_of_work(store.database) as session:
                attempts.retry_later(session, leases.claim_of(job), said, DEFECT_ATTEMPTS)
                after_commit(session, bell.ring, job.queue)
        except LeaseLost:
            continue
    return len(held)


def take_back(store: Store, bell: Bell, worker: str) -> int:
    """Take back what an earlier process of this worker held: it starts anew, so that one is gone. Returns how many."""
    with unit_of_work(store.database, writing=False) as session:
        left = session.scalars(select(Job).where(Job.state == JobState.RUNNING, Job.worker == worker)).all()
    return sum(_reclaim(store, bell, leases.claim_of(job), expired=False) for job in left)


def ring_for_due(store: Store, bell: Bell) -> int:
    """Ring for due jobs whose ring was lost: only as often as fewer rings wait than jobs. Returns how many rings."""
    with unit_of_work(store.database, writing=False) as session:
        due = queues.due_by_queue(session, RINGS)
    rings = 0
    for queue, number in due.items():
        waiting = bell.waiting(queue)
        if waiting is None:  # the broker is away: each ring would wait for it in vain
            return rings
        missing = number - waiting
        for _ in range(missing):
            bell.ring(queue)
        rings += max(missing, 0)
    return rings


def _reclaim(store: Store, bell: Bell, claim: Claim, *, expired: bool) -> bool:
    """End one claim whose worker is gone; False where it was ended or extended in between."""
    try:
        with unit_of_work(store.database) as session:
            lock_study(session, claim.study_id)
            if expired and not leases.is_expired(session, claim):
                return False
            state = attempts.die_of_unknown(
                session, claim, AttemptOutcome.LEASE_LOST, ReaderDied("the worker that held this job is gone")
            )
            after_commit(session, bell.ring, claim.queue)
    except LeaseLost:
        return False
    log.info("job.taken_back", job=claim.job_id, fence=claim.fence, state=state)
    return True
