"""The blows of a run: each hits the running system once, spares nobody, and leaves nothing broken behind."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import redis
from redis.exceptions import RedisError
from sqlalchemy import delete, select

from pipelines.core.errors import Unavailable
from pipelines.selftest_words import study_uid
from services.selftest.brokers import Broker
from services.selftest.databases import Database
from services.selftest.faults import Faults
from services.selftest.ledger import Ledger
from services.selftest.plan import LONG_SECONDS, Strike
from services.store.session import unit_of_work
from services.store.states import JobState
from services.store.stores import Store
from services.store.tables import Blob, Job, Study
from services.worker.embedded import System

T = TypeVar("T")
#: How long a strike waits for what it wants to hit.
_PATIENCE_SECONDS: Final = 4.0
_POLL_SECONDS: Final = 0.05
_FULL_SECONDS: Final = 1.5
#: A worker that is given its job's new fence number this late was not overtaken.
_FREEZE_SECONDS: Final = 9.0
#: The row of a blob that counts towards the quota.
_FILLER: Final = "f" * 64
#: Into the middle of a reading.
_DEPTH_SECONDS: Final = 0.4


@dataclass(frozen=True, slots=True)
class Running:
    """A job that runs, as far as a strike has to know it."""

    id: str
    fence: int
    worker: str
    alone: bool
    seconds: float  # that its reading takes


@dataclass
class Striker:
    """Hits one running system; counts what it did. One thread."""

    system: System
    store: Store
    ledger: Ledger
    database: Database
    broker: Broker
    faults: Faults
    chance: random.Random
    done: Counter[Strike] = field(default_factory=Counter)

    def strike(self, kind: Strike) -> None:
        """Hit once."""
        blows: dict[Strike, Callable[[], None]] = {
            Strike.KILL_WORKER: self._kill_worker,
            Strike.KILL_READER: self._kill_reader,
            Strike.KILL_API: self._kill_api,
            Strike.KILL_SCHEDULER: lambda: self._kill("scheduler"),
            Strike.KILL_BROKER: lambda: self.broker.kill(self.system),
            Strike.WIPE_BROKER: self._wipe_broker,
            Strike.STOP_DATABASE: self._stop_database,
            Strike.FILL_QUOTA: self._fill_quota,
            Strike.FULL_DISK: self._full_disk,
            Strike.FREEZE_WORKER: self._freeze_worker,
        }
        blows[kind]()
        self.done[kind] += 1

    def _kill(self, role: str) -> None:
        for pid in self.system.pids[role]:
            os.kill(pid, signal.SIGKILL)

    def _kill_worker(self) -> None:
        if (job := self._victim()) is not None and (pid := self._worker(job)) is not None:
            os.kill(pid, signal.SIGKILL)

    def _kill_reader(self) -> None:
        if (job := self._victim()) is not None and (pid := self._worker(job)) is not None:
            for reader in children_of(pid):
                os.kill(reader, signal.SIGKILL)

    def _kill_api(self) -> None:
        """Right behind an answer: what it promised must be there, although nobody had time for anything."""
        self.ledger.wait_for_acknowledgement(_PATIENCE_SECONDS)
        self._kill("api")

    def _wipe_broker(self) -> None:
        try:
            with redis.Redis.from_url(str(self.system.settings.broker_url), socket_timeout=1.0) as client:
                client.flushall()
        except RedisError:
            return  # it is away, with all it knows

    def _stop_database(self) -> None:
        self._victim()
        self.database.go_away()

    def _full_disk(self) -> None:
        with self.faults.no_space():
            time.sleep(_FULL_SECONDS)

    def _fill_quota(self) -> None:
        """Bytes that nobody refers to fill the store to its quota, and go again."""
        patiently(self._add_filler)
        time.sleep(_FULL_SECONDS)
        patiently(self._remove_filler)

    def _add_filler(self) -> None:
        most = self.system.settings.blob_quota_bytes
        with unit_of_work(self.store.database) as session:
            session.add(Blob(sha256=_FILLER, bytes=most, media_type="application/octet-stream", place=""))

    def _remove_filler(self) -> None:
        with unit_of_work(self.store.database) as session:
            session.execute(delete(Blob).where(Blob.sha256 == _FILLER))

    def _freeze_worker(self) -> None:
        """Past its lease, until somebody else has its job: when it wakes it has a result and no right to save it."""
        job = self._victim(at_least=LONG_SECONDS)
        pid = self._worker(job) if job is not None else None
        if job is None or pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        try:
            self._wait(lambda: self._is_overtaken(job), _FREEZE_SECONDS)
        finally:
            with _gone():
                os.kill(pid, signal.SIGCONT)

    def _is_overtaken(self, job: Running) -> bool:
        """Whether another claim of the job was made, or it ended (a late image cancels it)."""

        def ask() -> bool:
            with unit_of_work(self.store.database, writing=False) as session:
                row = session.get_one(Job, job.id)
                return row.fence > job.fence or row.state not in (JobState.QUEUED, JobState.RUNNING)

        return patiently(ask)

    def _victim(self, at_least: float = 0.0) -> Running | None:
        """An innocent job in the middle of its reading, once none runs that one more blow would quarantine.

        A job that ended its process twice for no known reason runs alone, and a third time ends it, innocent or not:
        that is the rule (docs/jobs.md), so no job may be hit three times. `at_least` is how long the reading should
        take, in seconds; one that takes less is taken where none that does comes in time.
        """

        def found() -> bool:
            now = self._running()
            return any(job.seconds >= at_least for job in now) and not any(job.alone for job in now)

        self._wait(found, _PATIENCE_SECONDS)
        time.sleep(self.chance.uniform(0, _DEPTH_SECONDS))
        running = self._running()
        if not running or any(job.alone for job in running):
            return None
        return max(running, key=lambda job: job.seconds) if at_least else self.chance.choice(running)

    def _running(self) -> list[Running]:
        """The jobs that run, but for planted poison, which ends by itself and nobody has to hit."""
        sent = {study_uid(visit.name): visit for visit in self.ledger.visits}

        def ask() -> list[Running]:
            with unit_of_work(self.store.database, writing=False) as session:
                rows = session.execute(
                    select(Job, Study.study_instance_uid)
                    .join(Study, Study.id == Job.study_id)
                    .where(Job.state == JobState.RUNNING)
                    .order_by(Job.id)
                ).all()
            visits = [(row[0], sent.get(row[1])) for row in rows]
            return [
                Running(job.id, job.fence, job.worker or "", job.alone, visit.word.seconds if visit else 0.0)
                for job, visit in visits
                if visit is None or not visit.is_poison
            ]

        return patiently(ask)

    def _worker(self, job: Running) -> int | None:
        """The process of the worker that holds the job, by its name in the command line."""
        return next((pid for pid in self.system.pids["worker"] if job.worker in command_of(pid)), None)

    def _wait(self, happened: Callable[[], object], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not happened() and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)


def patiently(ask: Callable[[], T], seconds: float = 60.0) -> T:
    """What the database says, through the outages that the run makes."""
    until = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except Unavailable:
            if time.monotonic() > until:
                raise
            time.sleep(_POLL_SECONDS)


def children_of(pid: int) -> list[int]:
    """The processes that a process started."""
    try:
        listed = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for text in listed for child in text.split()]


def command_of(pid: int) -> list[str]:
    """A process's command line; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []


@contextmanager
def _gone() -> Iterator[None]:
    """A process may have ended by itself."""
    try:
        yield
    except ProcessLookupError:
        return
