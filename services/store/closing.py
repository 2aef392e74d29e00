"""What closing a study asks of the database besides the study itself."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.store.clock import seconds_from_now
from services.store.states import JobRole, JobState, Priority, StudyState
from services.store.studies import lock_study
from services.store.tables import Job, Study


def held_too_long(session: Session, seconds: float, limit: int) -> Sequence[str]:
    """Ids of receiving studies whose sender asked to wait for `complete` and was silent for so long, oldest first."""
    return session.scalars(
        select(Study.id)
        .where(
            Study.state == StudyState.RECEIVING,
            Study.hold.is_(True),
            Study.last_instance_at <= seconds_from_now(-seconds),
        )
        .order_by(Study.last_instance_at)
        .limit(limit)
    ).all()


def ask(session: Session, study_id: str, priority: Priority, pipeline: str | None, hold: bool) -> None:
    """Note what a sender asked for after its images were in: the more urgent priority counts."""
    study = lock_study(session, study_id)
    study.priority = min(study.priority, int(priority))
    study.requested_pipeline = pipeline or study.requested_pipeline
    study.hold = hold


def newest_jobs(session: Session, study_id: str) -> Sequence[str]:
    """The newest live job of each of the study's slots that was not cancelled."""
    place = func.row_number().over(partition_by=Job.slot_id, order_by=(Job.created_at.desc(), Job.id.desc()))
    ranked = (
        select(Job.id, place.label("place"))
        .where(Job.study_id == study_id, Job.role == JobRole.LIVE, Job.state != JobState.CANCELLED)
        .subquery()
    )
    return session.scalars(select(ranked.c.id).where(ranked.c.place == 1).order_by(ranked.c.id)).all()
