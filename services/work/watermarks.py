"""Back-pressure: images are refused before a disk or the quota is full, with an alarm; nothing is dropped for room."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.errors import DatabaseUnavailable, StorageFull
from services.log import logger
from services.settings import Settings
from services.store.alarms import AlarmCode, clear_alarm, is_open, open_alarms, raise_alarm
from services.store.clock import seconds_from_now
from services.store.room import Level, Room
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Rejection

log = logger("intake")
FULL: Final = StorageFull.code


def admit(store: Store, settings: Settings, coming: int = 0) -> None:
    """Raise StorageFull unless `coming` bytes may be taken in; once refused, only well below the mark again.

    Raises DatabaseUnavailable.
    """
    with unit_of_work(store.database, writing=False) as session:
        was_full = is_open(session, AlarmCode.STORAGE_FULL)
    Room(settings, store.blobs.quota).check(coming, was_full=was_full)


def sound(store: Store, error: StorageFull) -> None:
    """Raise the alarm at once: something found no room. A database that cannot take it leaves it to the scheduler."""
    try:
        with unit_of_work(store.database) as session:
            if not is_open(session, AlarmCode.STORAGE_FULL):
                raise_alarm(session, AlarmCode.STORAGE_FULL, error.sentence)
    except (DatabaseUnavailable, StorageFull) as away:
        log.warning("alarm.not_raised", code=away.code)


def watch(store: Store, settings: Settings) -> None:
    """Look how full everything is; raise and clear the alarms. The scheduler's duty. Raises DatabaseUnavailable."""
    levels = Room(settings, store.blobs.quota).levels()
    with unit_of_work(store.database, writing=False) as session:
        known = {alarm.code: alarm.detail for alarm in open_alarms(session)}
        # Also where the scheduler finds room now: a disk that it does not see may have been full.
        refused = _was_refused(session, settings.storage_full_seconds)
    wanted = _wanted(levels, was_full=AlarmCode.STORAGE_FULL in known, was_refused=refused)
    if all(known.get(code) == detail for code, detail in wanted.items()):
        return
    with unit_of_work(store.database) as session:
        for code, detail in wanted.items():
            if detail is None:
                clear_alarm(session, code)
            else:
                raise_alarm(session, code, detail)


def _wanted(levels: list[Level], *, was_full: bool, was_refused: bool) -> dict[AlarmCode, str | None]:
    """What each alarm should say; None where it should not be open."""
    full = [level.sentence for level in levels if level.is_full(was_full=was_full)]
    if not full and was_full and was_refused:
        full = ["images were refused for lack of room a moment ago"]
    low = [level.sentence for level in levels if level.is_low]
    return {
        AlarmCode.STORAGE_FULL: "; ".join(full) or None,
        AlarmCode.STORAGE_LOW: "; ".join(low) or None,
    }


def _was_refused(session: Session, seconds: float) -> bool:
    lately = select(Rejection.id).where(Rejection.code == FULL, Rejection.created_at > seconds_from_now(-seconds))
    return session.scalar(lately.order_by(Rejection.id.desc()).limit(1)) is not None
