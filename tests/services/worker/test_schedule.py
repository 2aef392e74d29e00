"""The scheduler: each duty at its time, and one that fails stops no other."""

from __future__ import annotations

from threading import Event

from sqlalchemy import func, select

from pipelines.core.errors import DatabaseUnavailable
from services.broker import SilentBell
from services.store import audit
from services.store.session import unit_of_work
from services.store.tables import AuditSeal, OutboxEvent
from services.worker.schedule import Duty, duties, keep


def test_a_duty_is_done_at_its_interval_and_a_failing_one_disturbs_no_other():
    stopping, done = Event(), []

    def fail() -> None:
        done.append("failing")
        raise DatabaseUnavailable

    def count() -> None:
        done.append("counting")
        if done.count("counting") == 3:
            stopping.set()

    keep(
        [Duty("failing", 0.01, fail), Duty("counting", 0.01, count), Duty("rare", 60, lambda: done.append("rare"))],
        stopping,
    )
    assert done.count("rare") == 1 and done.count("failing") == 3


def test_every_duty_runs_on_a_real_store(desk, store, settings):
    desk.queue()
    # The machine's own disk may be nearly full, and an alarm is an event, too.
    settings = settings.model_copy(update={"disk_reserve_bytes": 0, "disk_low_bytes": 0})
    with unit_of_work(store.database) as session:
        audit.record(session, "system", "test")
    for duty in duties(store, SilentBell(), settings):
        duty.do()
    with unit_of_work(store.database, writing=False) as session:
        unnumbered = session.scalar(select(func.count()).select_from(OutboxEvent).where(OutboxEvent.number.is_(None)))
        assert (unnumbered, session.scalar(select(func.count()).select_from(AuditSeal))) == (0, 1)
