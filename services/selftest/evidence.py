"""What a run left behind, as the invariants look at it: the store, the ledger, and what the processes said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from sqlalchemy import select

from pipelines.selftest_words import Act
from services.selftest.ledger import Ledger
from services.selftest.plan import Visit
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Attempt, CurrentResult, Instance, Job, Result, Series

#: Events that only a mistake of ours can cause; what a planted poison causes in its reader is none.
DEFECTS: Final = frozenset({"worker.defect", "api.defect"})


@dataclass(frozen=True)
class Evidence:
    """Rows are read once, after the system has stopped: nothing changes them any more."""

    store: Store
    ledger: Ledger
    logs: Path

    @cached_property
    def jobs(self) -> list[Job]:
        """Every job."""
        with unit_of_work(self.store.database, writing=False) as session:
            return list(session.scalars(select(Job).order_by(Job.id)))

    @cached_property
    def attempts(self) -> dict[str, list[Attempt]]:
        """The attempts of each job, by fence."""
        found: dict[str, list[Attempt]] = {job.id: [] for job in self.jobs}
        with unit_of_work(self.store.database, writing=False) as session:
            for attempt in session.scalars(select(Attempt).order_by(Attempt.job_id, Attempt.fence)):
                found[attempt.job_id].append(attempt)
        return found

    @cached_property
    def results(self) -> list[Result]:
        """Every result."""
        with unit_of_work(self.store.database, writing=False) as session:
            return list(session.scalars(select(Result).order_by(Result.id)))

    @cached_property
    def current(self) -> dict[str, CurrentResult]:
        """What each slot points to."""
        with unit_of_work(self.store.database, writing=False) as session:
            return {row.slot_id: row for row in session.scalars(select(CurrentResult))}

    @cached_property
    def instances(self) -> list[tuple[Instance, str]]:
        """Every instance with its study's id."""
        with unit_of_work(self.store.database, writing=False) as session:
            rows = session.execute(
                select(Instance, Series.study_id).join(Series, Series.id == Instance.series_id).order_by(Instance.id)
            )
            return [(row[0], row[1]) for row in rows]

    @cached_property
    def visit_of_study(self) -> dict[str, Visit]:
        """Which visit each study's files came with."""
        acknowledged = {file.sop_instance_uid: file.visit for file in self.ledger.files}
        return {
            study_id: acknowledged[instance.sop_instance_uid]
            for instance, study_id in self.instances
            if instance.sop_instance_uid in acknowledged
        }

    def poison_of(self, job: Job) -> Act | None:
        """What was planted in a job's study; None: it is innocent."""
        visit = self.visit_of_study.get(job.study_id)
        return visit.word.act if visit is not None and visit.is_poison else None

    def defects(self) -> Iterator[str]:
        """What the processes said of mistakes of their own."""
        for path in sorted(self.logs.glob("*.log*")):
            for line in path.read_text(errors="replace").splitlines():
                said = _event(line)
                if said.get("event") in DEFECTS:
                    yield f"{path.name}: {said['event']} {said.get('exception')}"


def _event(line: str) -> dict[str, object]:
    """A line of a log; empty where it is no event (a process was killed while it wrote)."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
