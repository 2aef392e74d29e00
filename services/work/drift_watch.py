"""Raises the alarm where what a model in use is given, or says, has drifted; counts results of older releases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.settings import Settings
from services.store import figures, models, worklist
from services.store.alarms import AlarmCode, clear_alarm, open_alarms, raise_alarm
from services.store.session import unit_of_work
from services.store.states import ModelState
from services.store.stores import Store
from services.work.drift import CATEGORY, Drift, drift_of

#: Results that are counted in one transaction.
PAGE: Final = 200
#: What each measure is called in the alarm's sentence.
CALLED: Final = {CATEGORY: "answers", "value": "scores", "confidence": "confidence", "quality": "image quality"}


def watch(store: Store, settings: Settings) -> None:
    """Look at every version in use; raise the alarm or clear it. The scheduler's duty. Raises DatabaseUnavailable."""
    with unit_of_work(store.database, writing=False) as session:
        used = [stated.version for stated in models.list_versions(session) if stated.state is ModelState.ACTIVE]
        known = next((alarm.detail for alarm in open_alarms(session) if alarm.code == AlarmCode.DRIFT), None)
    # The week that has begun is shown and not judged.
    drifts = [drift_of(store, one.name, one.version, settings.drift_weeks + 1) for one in used]
    said = "; ".join(filter(None, (_sentence(drift, settings) for drift in drifts))) or None
    if said == known:
        return
    with unit_of_work(store.database) as session:
        if said is None:
            clear_alarm(session, AlarmCode.DRIFT)
        else:
            raise_alarm(session, AlarmCode.DRIFT, said)


def _sentence(drift: Drift, settings: Settings) -> str | None:
    beyond = drift.beyond(settings.drift_limit, settings.drift_weeks)
    if not beyond:
        return None
    return f"{drift.model} {drift.version}: {', '.join(CALLED[name] for name in beyond)}"


@dataclass
class Counter:
    """Counts results that were stored before there were figures, a page at a time; goes over all once a start.

    The lines of those that cannot be graded say so from then on: they were written before a line could.
    """

    store: Store
    after: str | None = ""

    def round(self) -> None:
        """Count the next page, until all are."""
        if self.after is None:
            return
        with unit_of_work(self.store.database, writing=False) as session:
            found = figures.uncounted(session, self.after, PAGE)
        if found.figures:
            with unit_of_work(self.store.database) as session:
                figures.keep(session, found.figures)
                worklist.say_ungradable(session, [one["result_id"] for one in found.figures if not one["gradable"]])
        self.after = found.last
