"""Queues: paused, limited over all workers, one job a GPU; their figures; places in them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.core.errors import BadRequest
from services.store import attempts, leases, queues
from services.store.clock import seconds_from_now
from services.store.places import places_in_queue
from services.store.session import unit_of_work
from services.store.states import JobRole, Priority
from services.store.tables import Job

QUEUE = "retinopathy"


def claim(desk, worker: str, device: str = "", limit: int | None = None):
    """Claim as a worker on a device does."""
    with unit_of_work(desk.store.database) as session:
        return leases.claim_next(session, QUEUE, worker, 60.0, 600.0, device, limit)


def ask(desk, change, *arguments, **options) -> None:
    """Change a queue in a transaction of its own."""
    with unit_of_work(desk.store.database) as session:
        change(session, QUEUE, *arguments, **options)


def test_a_paused_queue_gives_no_job_until_it_is_resumed(desk, each_store):
    desk.queue()
    ask(desk, queues.set_paused, "user:x", paused=True)
    assert claim(desk, "w1") is None
    ask(desk, queues.set_paused, "user:x", paused=False)
    assert claim(desk, "w1") is not None


def test_a_limit_counts_workers_and_a_worker_that_ends_makes_room(desk, each_store):
    for _ in range(3):
        desk.queue()
    ask(desk, queues.set_limit, "user:x", 1)
    first = claim(desk, "w1")
    assert claim(desk, "w2") is None
    assert claim(desk, "w1") is not None  # the next of its own chunk
    with unit_of_work(each_store.database) as session:
        attempts.give_back(session, first)
    assert claim(desk, "w2") is None
    ask(desk, queues.set_limit, "user:x", None)
    assert claim(desk, "w2") is not None


@pytest.mark.parametrize("limit", [0, -1, queues.MOST_RUNNING + 1])
def test_a_limit_that_means_nothing_is_refused(desk, store, limit):
    with pytest.raises(BadRequest):
        ask(desk, queues.set_limit, "user:x", limit)


def test_one_gpu_takes_one_job_at_once_and_another_takes_its_own(desk, each_store):
    for _ in range(3):
        desk.queue()
    assert claim(desk, "w1", "host/cuda:0", 1).device == "host/cuda:0"
    assert claim(desk, "w2", "host/cuda:0", 1) is None
    assert claim(desk, "w2", "host/cuda:1", 1) is not None


def test_workers_that_claim_at_once_never_exceed_a_devices_limit(desk, each_store):
    for _ in range(8):
        desk.queue()
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda n: claim(desk, f"w{n}", "host/cuda:0", 2), range(8)))
    assert len({one.worker for one in claims if one is not None}) == 2


def test_workers_that_claim_at_once_never_exceed_a_queues_limit(desk, each_store):
    for _ in range(8):
        desk.queue()
    ask(desk, queues.set_limit, "user:x", 3)
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda n: claim(desk, f"w{n}"), range(8)))
    assert len({one.worker for one in claims if one is not None}) == 3


def test_a_queue_says_what_waits_is_held_and_runs(desk, each_store):
    for _ in range(3):
        desk.queue()
    desk.change(desk.queue(role=JobRole.BATCH), held=True)
    claim(desk, "w1")
    with unit_of_work(each_store.database, writing=False) as session:
        unknown, state = queues.queue_states(session, {"another"})
    assert (unknown.name, unknown.queued, unknown.waiting_since) == ("another", 0, None)
    assert (state.name, state.queued, state.held, state.running, state.busy) == (QUEUE, 2, 1, 1, 1)


def test_the_oldest_that_waits_says_how_long(desk, each_store):
    desk.change(desk.queue(), created_at=seconds_from_now(-90))
    desk.queue()
    with unit_of_work(each_store.database, writing=False) as session:
        (state,) = queues.queue_states(session, ())
    assert 89 < state.waiting_seconds < 200


def test_a_queue_is_longer_than_fewer_jobs_than_it_holds(desk, store):
    for _ in range(3):
        desk.queue()
    with unit_of_work(store.database, writing=False) as session:
        assert [queues.is_longer(session, jobs) for jobs in (2, 3)] == [True, False]


def test_places_in_the_queue_are_the_order_of_claims(desk, each_store):
    order = [Priority.BATCH, Priority.ROUTINE, Priority.STAT, Priority.ROUTINE, Priority.BATCH, Priority.STAT]
    made = [desk.queue(priority) for priority in order]
    desk.change(made[0], created_at=seconds_from_now(-700))
    desk.change(made[4], created_at=seconds_from_now(-100))
    desk.change(made[3], created_at=seconds_from_now(-50))
    with unit_of_work(each_store.database, writing=False) as session:
        rows = [session.get_one(Job, job_id) for job_id in made]
        places = places_in_queue(session, rows, 600)
        alone = {job.id: places_in_queue(session, [job], 600)[job.id] for job in rows}
    claimed = [desk.claim().job_id for _ in made]
    assert sorted(places, key=lambda job_id: places[job_id]) == claimed
    assert sorted(places.values()) == [1, 2, 3, 4, 5, 6] and places == alone


def test_what_does_not_wait_for_a_worker_has_no_place(desk, store):
    running, held, waiting = desk.queue(Priority.STAT), desk.queue(), desk.queue()
    desk.claim()
    desk.change(held, held=True)
    with unit_of_work(store.database, writing=False) as session:
        rows = [session.get_one(Job, job_id) for job_id in (running, held, waiting)]
        assert places_in_queue(session, rows, 600) == {waiting: 1}
