"""Workers say that they are there; who is silent is lost, who said goodbye has left."""

from __future__ import annotations

from sqlalchemy import select, update

from services.store import workers
from services.store.clock import seconds_from_now
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Worker
from services.store.workers import Arrival, Presence, WorkerState
from tests.services.conftest import Desk

EVERY_SECONDS = 15.0


def arrive(store: Store, name: str, pid: int = 1) -> None:
    """A worker begins."""
    with unit_of_work(store.database) as session:
        workers.arrive(session, Arrival(name, "host", pid, ["retinopathy"], "host/cpu", "0.1.0"))


def silent(store: Store, name: str, seconds: float) -> None:
    """Nothing was heard of it for so long."""
    with unit_of_work(store.database) as session:
        session.execute(update(Worker).where(Worker.name == name).values(seen_at=seconds_from_now(-seconds)))


def states(store: Store) -> dict[str, WorkerState]:
    """All workers by name."""
    with unit_of_work(store.database, writing=False) as session:
        return {state.row.name: state for state in workers.worker_states(session, EVERY_SECONDS)}


def test_a_worker_that_misses_its_words_is_lost_and_back_with_the_next(each_store: Store) -> None:
    arrive(each_store, "w1")
    silent(each_store, "w1", 40.0)
    assert states(each_store)["w1"].presence is Presence.HERE
    silent(each_store, "w1", 50.0)
    assert states(each_store)["w1"].presence is Presence.LOST
    with unit_of_work(each_store.database) as session:
        assert workers.say_here(session, "w1", 1)
    assert states(each_store)["w1"].presence is Presence.HERE


def test_a_goodbye_counts_for_the_process_that_says_it_alone(each_store: Store) -> None:
    arrive(each_store, "w1", pid=1)
    arrive(each_store, "w1", pid=2)  # a supervisor has started it anew before the old process was done
    with unit_of_work(each_store.database) as session:
        workers.say_goodbye(session, "w1", 1)
    assert states(each_store)["w1"].presence is Presence.HERE
    with unit_of_work(each_store.database) as session:
        workers.say_goodbye(session, "w1", 2)
    assert states(each_store)["w1"].presence is Presence.LEFT


def test_a_worker_shows_what_it_holds(desk: Desk, each_store: Store) -> None:
    arrive(each_store, "w1")
    job_id = desk.queue()
    desk.claim("w1")
    state = states(each_store)["w1"]
    assert (state.jobs, state.job_id, state.pipeline) == (1, job_id, "retinopathy")
    assert state.busy_since is not None


def test_workers_that_are_gone_for_a_day_are_forgotten_by_the_next_that_comes(each_store: Store) -> None:
    arrive(each_store, "old")
    silent(each_store, "old", 25 * 3600.0)
    arrive(each_store, "new")
    with unit_of_work(each_store.database, writing=False) as session:
        assert session.scalars(select(Worker.name)).all() == ["new"]
