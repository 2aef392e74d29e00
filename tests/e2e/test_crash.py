"""kill -9 while photographs are read: every job still ends in one result; `overread selftest` does the rest of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from sqlalchemy import func, select

from services.store import audit
from services.store.session import unit_of_work
from services.store.states import JobState
from services.store.tables import CurrentResult, Job, Result, Slot
from services.worker.deaths import resident_bytes
from tests.e2e.conftest import Running

WAIT_SECONDS = 150.0
POLL_SECONDS = 0.02


def wait_for(what: str, happened: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(POLL_SECONDS)


def count(system: Running, state: JobState) -> int:
    """How many jobs are in a state."""
    with unit_of_work(system.store.database, writing=False) as session:
        return session.scalar(select(func.count()).select_from(Job).where(Job.state == state)) or 0


def while_reading(system: Running) -> None:
    """Wait until a job is in its reading process."""
    wait_for("a running job", lambda: count(system, JobState.RUNNING))
    time.sleep(random.uniform(0.0, 0.2))


def process_of(system: Running, role: str) -> int:
    """The process of a part, once it is there: what died again and again is started anew after a pause."""
    wait_for(f"the {role} to be there", lambda: system.system.pids[role])
    (pid,) = system.system.pids[role]
    return pid


def kill_worker(system: Running) -> None:
    """kill -9 of the worker in the middle of a job; its reading process must go with it."""
    worker = process_of(system, "worker")
    readers = children_of(worker)
    os.kill(worker, signal.SIGKILL)
    wait_for("the reading process to end with its worker", lambda: not any(map(alive, readers)))


def kill_reader(system: Running) -> None:
    """kill -9 of the process that computes."""
    worker = process_of(system, "worker")
    for reader in children_of(worker):
        os.kill(reader, signal.SIGKILL)


def kill_broker(system: Running) -> None:
    """kill -9 of the broker; it comes back with its files."""
    os.kill(process_of(system, "broker"), signal.SIGKILL)


def wipe_broker(system: Running) -> None:
    """Everything the broker knows is gone."""
    process_of(system, "broker")
    with redis.Redis.from_url(str(system.system.settings.broker_url)) as client:
        client.flushall()


def kill_scheduler(system: Running) -> None:
    """kill -9 of the clockwork."""
    os.kill(process_of(system, "scheduler"), signal.SIGKILL)


BLOWS = (kill_worker, wipe_broker, kill_reader, kill_broker, kill_scheduler)


def children_of(pid: int) -> list[int]:
    """The processes that a process started, from /proc."""
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if readable(path).rpartition(")")[2].split()[1:2] == [str(pid)]
    ]


def readable(path: Path) -> str:
    """A file's text, empty where its process is gone meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    return resident_bytes(pid) is not None


def strike(system: Running, photo: Path, blows: list[Callable[[Running], None]], first_patient: int = 0) -> None:
    """Keep a few jobs waiting, and hit the system in the middle of each; no job may be hit three times running."""
    for number, blow in enumerate(blows, start=first_patient):
        for eye in range(2):
            system.submit(photo, f"crash-{number}-{eye}")
        while_reading(system)
        done = count(system, JobState.SUCCEEDED)
        blow(system)
        wait_for("work to go on", lambda done=done: count(system, JobState.SUCCEEDED) > done)


def assert_exactly_once(system: Running) -> None:
    """Every job succeeded with one result, every slot has one answer that is its own, the audit chain holds."""
    open_states = (JobState.QUEUED, JobState.RUNNING)
    wait_for("all jobs to end", lambda: not any(count(system, state) for state in open_states))
    with unit_of_work(system.store.database, writing=False) as session:
        states = set(session.scalars(select(Job.state)))
        by_job = dict(session.execute(select(Job.id, func.count(Result.id)).outerjoin(Result).group_by(Job.id)).all())
        slots = set(session.scalars(select(Slot.id)))
        pointed = dict(
            session.execute(
                select(CurrentResult.slot_id, Result.slot_id).join(Result, Result.id == CurrentResult.result_id)
            ).all()
        )
    assert states == {JobState.SUCCEEDED}
    assert set(by_job.values()) == {1}
    assert pointed == {slot: slot for slot in slots}
    audit.seal(system.store)
    assert audit.verify(system.store).intact


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from services.settings import Settings\n"
        "from services.worker.embedded import System\n"
        "folder = Path(sys.argv[1])\n"
        "system = System.start(Settings(data_dir=folder / 'data', models_dir=folder / 'none', port=0))\n"
        "print(*[pid for pids in system.pids.values() for pid in pids], flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        pids = [int(word) for word in up.stdout.readline().split()]
        up.kill()
    assert len(pids) == 4
    wait_for("all processes to end", lambda: not any(map(alive, pids)), seconds=60)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_minutes_of_random_blows_lose_no_job_and_double_no_result(
    system: Running, retina_photo: Path, seed: int
) -> None:
    random.seed(seed)
    strike(system, retina_photo, random.choices(BLOWS, k=25), first_patient=1000 * seed)
    assert_exactly_once(system)
