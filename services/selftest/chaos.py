"""A run of the self-test: the real system under fire, then healed, then looked through for anything lost or doubled."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy import exists, func, or_, select

from pipelines.selftest import write_bundle
from services.selftest.asking import Asker
from services.selftest.brokers import opened_broker
from services.selftest.bugs import Bug
from services.selftest.databases import opened_database
from services.selftest.evidence import Evidence
from services.selftest.faults import Faults
from services.selftest.invariants import Verdict, judge
from services.selftest.ledger import Ledger
from services.selftest.nights import ADDEND, VERSION, Nights
from services.selftest.plan import PHOTOGRAPHS_FROM_SECONDS, Plan, Strike, make_plan
from services.selftest.senders import Senders
from services.selftest.strikes import Striker, patiently
from services.settings import MEBIBYTE, Settings
from services.store import registration, users
from services.store.session import unit_of_work
from services.store.states import BatchState, JobState, Role, StudyState
from services.store.stores import Store, open_store
from services.store.tables import Attempt, Batch, Job, OutboxEvent, Study
from services.worker.embedded import System

LAUNCHER: Final = "services.selftest.launch"
WORKERS: Final = 2
ACTOR: Final = "selftest"
#: What a sender waits for an answer after the run, and what may pass without a claim that ends, before it is stuck.
HEAL_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.25
_REQUEST_SECONDS: Final = 30.0
_READY_SECONDS: Final = 120.0
#: Timings small enough that a run of seconds meets every one of them.
TIMINGS: Final[Mapping[str, float]] = {
    "lease_seconds": 2.5,
    "heartbeat_seconds": 0.5,
    "sweep_seconds": 0.5,
    "quiet_seconds": 1.0,
    "seal_seconds": 1.0,
    "storage_full_seconds": 2.0,
    "database_busy_seconds": 1.0,
    "max_attempts": 4,
    "job_timeout_seconds": 90.0,
    "worker_memory_bytes": 512 * MEBIBYTE,
    "blob_quota_bytes": 256 * MEBIBYTE,
}

#: A reader with the shipped model needs more; a job that exhausts memory then takes longer to be found out.
MEMORY_WITH_PHOTOGRAPHS: Final = 1280 * MEBIBYTE

#: Hears what a run does now.
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What run to make; `strikes` empty: all kinds, `bug`: one that is planted."""

    seconds: float
    seed: int
    database: str = "sqlite"
    broker: str = "valkey"
    strikes: tuple[Strike, ...] = ()
    bug: Bug | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did and found."""

    wishes: Wishes
    seconds: float
    strikes: Mapping[str, int]
    visits: Mapping[str, int]
    statuses: Mapping[int, int]
    files: int
    jobs: Mapping[str, int]
    attempts: Mapping[str, int]
    verdicts: tuple[Verdict, ...]

    @property
    def holds(self) -> bool:
        """Whether every invariant holds."""
        return all(verdict.holds for verdict in self.verdicts)


def run(wishes: Wishes, folder: Path, tell: Tell) -> Report:
    """Make a run in `folder`, which is empty; raises NotReady, BadRequest where the parts wished for are not there."""
    begin = time.monotonic()
    plan = make_plan(wishes.seed, wishes.seconds, wishes.strikes)
    ledger = Ledger()
    with ExitStack() as opened:
        database = opened.enter_context(opened_database(wishes.database, folder / "data"))
        broker = opened.enter_context(opened_broker(wishes.broker, folder))
        settings = _settings(folder, plan, database.url, broker.url)
        faults = Faults.of(settings)
        faults.plant(wishes.bug)
        tell("starting the system")
        with _started(settings) as (system, store):
            registration.add_bundle(store, write_bundle(folder / VERSION, VERSION, ADDEND), ACTOR)
            striker = Striker(system, store, ledger, database, broker, faults, random.Random(wishes.seed))
            _fire(system, store, plan, ledger, striker, tell)
            tell("waiting until everything is quiet")
            _wait_until_quiet(store, plan.seconds)
        tell("looking through what is left")
        with _opened(system.settings) as store:
            evidence = Evidence(store, ledger, settings.logs_dir)
            return _report(wishes, evidence, striker, time.monotonic() - begin)


def _settings(folder: Path, plan: Plan, database_url: str | None, broker_url: str | None) -> Settings:
    """Of a system of its own, whatever the environment names."""
    bundles = folder / "models"
    write_bundle(bundles / "selftest")
    chosen: dict[str, object] = {**TIMINGS, "data_dir": folder / "data", "models_dir": bundles, "port": 0}
    if plan.seconds >= PHOTOGRAPHS_FROM_SECONDS:
        shipped = Settings.model_fields["models_dir"].default / "fundus_dr_grading"
        (bundles / shipped.name).symlink_to(shipped)
        chosen["worker_memory_bytes"] = MEMORY_WITH_PHOTOGRAPHS
    own = {"database_url": database_url, "broker_url": broker_url, "blob_url": None, "host": "127.0.0.1"}
    return Settings.model_validate({**Settings().model_dump(), **chosen, **own})


@contextmanager
def _started(settings: Settings) -> Iterator[tuple[System, Store]]:
    with (
        System.start(settings, WORKERS, _READY_SECONDS, LAUNCHER) as system,
        _opened(system.settings) as store,
    ):
        yield system, store


@contextmanager
def _opened(settings: Settings) -> Iterator[Store]:
    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()


def _fire(system: System, store: Store, plan: Plan, ledger: Ledger, striker: Striker, tell: Tell) -> None:
    """Send and strike until the time is over, each kind of strike at least once; then wait for the senders."""
    with unit_of_work(store.database) as session:
        key = users.create_key(session, ACTOR, Role.ADMIN, ACTOR).key
    begin = time.monotonic()
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{system.url}/api/v1", headers=headers, timeout=_REQUEST_SECONDS) as http:
        asker = Asker(http, ledger, begin + plan.seconds + HEAL_SECONDS)
        with (
            Senders(asker, ledger, plan.visits),
            Nights(asker, ledger, plan.seconds) if plan.batches else nullcontext(),
        ):
            for number, strike in enumerate(plan.strikes, start=1):
                if number > len(set(plan.strikes)) and time.monotonic() - begin > plan.seconds:
                    break
                tell(f"strike {number}: {strike}")
                striker.strike(strike)
                time.sleep(_breath(plan, number, begin))
            tell("waiting for the senders")


def _breath(plan: Plan, number: int, begin: float) -> float:
    """The pause behind a strike: what is left of the run, shared by the strikes that are left."""
    left = plan.seconds - (time.monotonic() - begin)
    return max(0.0, min(left / (len(plan.strikes) - number + 1), 1.0))


def _wait_until_quiet(store: Store, most_seconds: float) -> None:
    """As long as claims end: a slow machine may have a backlog. What stands still for HEAL_SECONDS is stuck."""
    latest = time.monotonic() + HEAL_SECONDS + most_seconds
    ended, until = -1, 0.0
    while not patiently(lambda: _is_quiet(store)):
        if (now := patiently(lambda: _ended_claims(store))) != ended:
            ended, until = now, time.monotonic() + HEAL_SECONDS
        if time.monotonic() > min(until, latest):
            return
        time.sleep(_POLL_SECONDS)


def _ended_claims(store: Store) -> int:
    with unit_of_work(store.database, writing=False) as session:
        return session.scalar(select(func.count()).select_from(Attempt)) or 0


def _is_quiet(store: Store) -> bool:
    """Nothing waits: no job, no open study, no open batch, no event without a number."""
    waits = (
        exists().where(Job.state.in_((JobState.QUEUED, JobState.RUNNING))),
        exists().where(Study.state != StudyState.COMPLETE),
        exists().where(Batch.state.not_in((BatchState.FINISHED, BatchState.CANCELLED, BatchState.FAILED))),
        exists().where(OutboxEvent.number.is_(None)),
    )
    with unit_of_work(store.database, writing=False) as session:
        return not session.scalar(select(or_(*waits)))


def _report(wishes: Wishes, evidence: Evidence, striker: Striker, seconds: float) -> Report:
    attempts = [attempt for of_job in evidence.attempts.values() for attempt in of_job]
    return Report(
        wishes=wishes,
        seconds=seconds,
        strikes={strike.value: number for strike, number in striker.done.items()},
        visits=Counter(_said(visit.kind, visit.word.act, visit.is_poison) for visit in evidence.ledger.visits),
        statuses=evidence.ledger.statuses,
        files=len(evidence.ledger.files),
        jobs=Counter(job.state for job in evidence.jobs),
        attempts=Counter(attempt.outcome for attempt in attempts),
        verdicts=tuple(judge(evidence)),
    )


def _said(kind: str, act: str, is_poison: bool) -> str:
    return f"poison: {act}" if is_poison else kind
