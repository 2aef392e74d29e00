"""The sweep: dead workers' jobs are taken back, lost rings are rung again, and nothing else is touched."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from services.broker import SilentBell
from services.store.clock import seconds_from_now
from services.store.session import unit_of_work
from services.store.states import JobState
from services.store.tables import Queue
from services.work.sweep import DEFECT_ATTEMPTS, RINGS, Sweeper, Swept, end_defective, sweep, take_back


@dataclass
class CountingBell:
    """A bell that keeps its rings until nobody hears them."""

    rings: list[str] = field(default_factory=list)

    def ring(self, queue: str) -> None:
        """Keep the ring."""
        self.rings.append(queue)

    def waiting(self, queue: str) -> int:
        """The rings kept."""
        return self.rings.count(queue)


def test_a_job_whose_lease_ran_out_is_queued_again(desk, each_store):
    job_id = desk.queue()
    desk.claim(lease_seconds=-1)
    assert sweep(each_store, SilentBell()).reclaimed == 1
    row = desk.job(job_id)
    assert (row.state, row.unattributed_deaths) == (JobState.QUEUED, 1)


def test_a_job_whose_lease_holds_is_left_alone(desk, store):
    job_id = desk.queue()
    desk.claim()
    assert sweep(store, SilentBell()).reclaimed == 0 and desk.job(job_id).state == JobState.RUNNING


def test_a_worker_that_was_only_cut_off_has_time_to_beat_before_its_job_is_taken_back(desk, store):
    job_id = desk.queue()
    desk.claim(lease_seconds=-1)
    sweeper = Sweeper(store, SilentBell(), patience_seconds=0.05)
    assert sweeper.sweep().reclaimed == 0
    time.sleep(0.06)
    desk.change(job_id, lease_until=seconds_from_now(60))
    assert sweeper.sweep().reclaimed == 0 and desk.job(job_id).state == JobState.RUNNING


def test_a_worker_that_stays_silent_is_taken_for_dead_at_the_second_look(desk, store):
    job_id = desk.queue()
    desk.claim(lease_seconds=-1)
    sweeper = Sweeper(store, SilentBell(), patience_seconds=0.05)
    first = sweeper.sweep().reclaimed
    time.sleep(0.06)
    assert (first, sweeper.sweep().reclaimed, desk.job(job_id).state) == (0, 1, JobState.QUEUED)


def test_a_mistake_of_the_worker_that_repeats_fails_the_job_with_its_kind(desk, store):
    job_id = desk.queue()
    for _ in range(DEFECT_ATTEMPTS):
        desk.change(job_id, not_before=None)
        desk.claim("w1")
        assert end_defective(store, SilentBell(), "w1", ZeroDivisionError("Doe^Jane")) == 1
    row = desk.job(job_id)
    assert (row.state, row.error_code) == (JobState.FAILED, "internal_error")
    assert "ZeroDivisionError" in row.error_detail and "Doe" not in row.error_detail


def test_a_paused_queue_is_not_rung_for(desk, store):
    desk.queue()
    with unit_of_work(store.database) as session:
        session.add(Queue(name="retinopathy", paused=True, actor="user:x"))
    assert sweep(store, CountingBell()).rings == 0


def test_a_lost_ring_is_rung_again_once(desk, store):
    desk.queue()
    bell = CountingBell()
    assert [sweep(store, bell), sweep(store, bell)] == [Swept(0, 1), Swept(0, 0)]
    assert bell.rings == ["retinopathy"]


def test_a_long_queue_does_not_flood_the_broker(desk, store):
    for _ in range(RINGS + 3):
        desk.queue()
    bell = CountingBell()
    for _ in range(3):
        sweep(store, bell)
    assert len(bell.rings) == RINGS


def test_a_job_that_must_wait_is_not_rung_for(desk, store):
    desk.change(desk.queue(), not_before=seconds_from_now(60))
    assert sweep(store, CountingBell()).rings == 0


def test_a_worker_that_starts_anew_takes_back_what_it_held_at_once(desk, store):
    own, others = desk.queue(), desk.queue()
    desk.claim("w1")
    desk.claim("w2")
    bell = CountingBell()
    assert take_back(store, bell, "w1") == 1
    assert (desk.job(own).state, desk.job(others).state) == (JobState.QUEUED, JobState.RUNNING)
    assert bell.rings == ["retinopathy"]


def test_a_broker_that_is_away_is_not_rung(desk, store):
    class Away(CountingBell):
        def waiting(self, queue: str) -> None:
            return None

    desk.queue()
    bell = Away()
    assert sweep(store, bell).rings == 0 and bell.rings == []
