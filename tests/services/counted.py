"""Weeks of a model's results for tests that count them: rows written at once, on days that a test chooses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import insert, select

from services.store.clock import utcnow
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.states import JobRole, JobState
from services.store.stores import Store
from services.store.tables import Job, Result, ResultFigures
from services.work.weeks import WEEK, week_of
from tests.services.conftest import Desk
from tests.services.store.world import digest_of, document, queue

MODEL, VERSION = "fundus_dr_grading", "1.0.0"


@dataclass
class Weeks:
    """Writes results of one version, all of one slot, into the weeks that lie so far back."""

    store: Store
    study_id: str
    slot_id: str
    model: str = MODEL
    number: int = 0

    @classmethod
    def at(cls, desk: Desk) -> Weeks:
        """Of the desk's own model, over a study of its own."""
        study_id = desk.image("counted")
        with unit_of_work(desk.store.database) as session:
            desk._model(session)
            return cls(desk.store, study_id, queue(session, study_id, JobState.SUCCEEDED).slot_id)

    def today(self) -> date:
        """By the database."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(utcnow())).one().date()

    def monday(self, back: int) -> date:
        """Of the week that lies so many weeks back; 0: this one."""
        return week_of(self.today()) - WEEK * back

    def add(self, back: int, qualities: list[float], role: JobRole = JobRole.LIVE, **told: object) -> None:
        """A result for each quality, in the week so many weeks back."""
        day = self.monday(back)
        moment = datetime.combine(day, time(1), UTC) + timedelta(minutes=self.number)
        jobs, results, figures = [], [], []
        for quality in qualities:
            self.number += 1
            job_id, result_id = new_id(), new_id()
            jobs.append(self._job(job_id, role))
            results.append(self._result(job_id, result_id, role, moment))
            figures.append(self._figures(result_id, role, day, quality) | told)
        with unit_of_work(self.store.database) as session:
            for table, rows in ((Job, jobs), (Result, results), (ResultFigures, figures)):
                session.execute(insert(table), rows)

    def _job(self, job_id: str, role: JobRole) -> dict[str, object]:
        return {
            "id": job_id,
            "key": digest_of(job_id),
            "slot_id": self.slot_id,
            "study_id": self.study_id,
            "pipeline": "retinopathy",
            "pipeline_revision": 1,
            "role": role,
            "queue": "retinopathy",
            "priority": 1,
            "parameters": {},
            "state": JobState.SUCCEEDED,
        }

    def _result(self, job_id: str, result_id: str, role: JobRole, moment: datetime) -> dict[str, object]:
        return {
            "id": result_id,
            "job_id": job_id,
            "slot_id": self.slot_id,
            "study_id": self.study_id,
            "pipeline": "retinopathy",
            "role": role,
            "model_name": self.model,
            "model_version": VERSION,
            "model_sha256": digest_of("weights"),
            "receipt_digest": digest_of("receipt"),
            "abstained": False,
            "urgency": "routine",
            "document": document(1) | {"seconds": {"load": 0.1}},
            "created_at": moment,
        }

    def _figures(self, result_id: str, role: JobRole, day: date, quality: float) -> dict[str, object]:
        return {
            "result_id": result_id,
            "model_name": self.model,
            "model_version": VERSION,
            "role": role,
            "day": day,
            "label": "dr_grade",
            "category": "1",
            "value": 0.2,
            "confidence": 0.9,
            "quality": quality,
            "gradable": True,
            "abstained": False,
            "reliable": True,
        }
