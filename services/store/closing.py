"""What closing a study asks of the database besides the study itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from services.store.clock import seconds_from_now
from services.store.states import JobRole, JobState, Priority, StudyState
from services.store.studies import lock_study
from services.store.tables import AuditRow, Job, Study

#: The audit's word for images that came in.
RECEIVED = "instances.received"


@dataclass(frozen=True, slots=True)
class Patience:
    """After how many seconds of silence a study closes by itself.

    Plain ones; those that are known to lack images; those held open by their sender.
    """

    quiet: float
    incomplete: float
    held: float


def due_for_closing(session: Session, patience: Patience, limit: int) -> Sequence[str]:
    """Ids of receiving studies that were silent for long enough, oldest first."""
    return session.scalars(
        select(Study.id).where(_silent(patience)).order_by(Study.last_instance_at).limit(limit)
    ).all()


def is_due(session: Session, study_id: str, patience: Patience) -> bool:
    """Whether a study that the caller has locked is still due: an image may have come since it was found so."""
    return session.scalar(select(Study.id).where(Study.id == study_id, _silent(patience))) is not None


def _silent(patience: Patience) -> ColumnElement[bool]:
    since = Study.last_instance_at
    return and_(
        Study.state == StudyState.RECEIVING,
        or_(
            and_(Study.hold.is_(False), Study.incomplete.is_(None), since <= seconds_from_now(-patience.quiet)),
            and_(
                Study.hold.is_(False),
                Study.incomplete.is_not(None),
                since <= seconds_from_now(-max(patience.incomplete, patience.quiet)),
            ),
            and_(Study.hold.is_(True), since <= seconds_from_now(-patience.held)),
        ),
    )


def ask(
    session: Session, study_id: str, priority: Priority, pipeline: str | None, hold: bool, expected: int | None
) -> None:
    """Note what a sender asked for after its images were in: the more urgent priority counts."""
    study = lock_study(session, study_id)
    study.priority = min(study.priority, int(priority))
    study.requested_pipeline = pipeline or study.requested_pipeline
    study.hold = hold
    study.expected_count = study.expected_count if expected is None else expected


def let_go(session: Session, study_id: str) -> None:
    """Have a study close after the quiet time, since its sender has ended: it is held open no longer."""
    lock_study(session, study_id).hold = False


def held_by(session: Session, actors: str) -> Sequence[str]:
    """Ids of the studies that are held open for a sender whose name begins with `actors`: it sent the newest images."""
    newest = (
        select(AuditRow.actor)
        .where(AuditRow.study_id == Study.id, AuditRow.action == RECEIVED)
        .order_by(AuditRow.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    held = (Study.state == StudyState.RECEIVING, Study.hold.is_(True), newest.like(f"{actors}%"))
    return session.scalars(select(Study.id).where(*held)).all()


def was_sent_beside(session: Session, study_id: str, actors: str) -> bool:
    """Whether anybody whose name does not begin with `actors` has sent images of the study."""
    others = select(AuditRow.id).where(
        AuditRow.study_id == study_id,
        AuditRow.action == RECEIVED,
        AuditRow.actor.not_like(f"{actors}%"),
    )
    return session.scalar(others.limit(1)) is not None


def newest_jobs(session: Session, study_id: str) -> Sequence[str]:
    """The newest live job of each of the study's slots that was not cancelled."""
    place = func.row_number().over(partition_by=Job.slot_id, order_by=(Job.created_at.desc(), Job.id.desc()))
    ranked = (
        select(Job.id, place.label("place"))
        .where(Job.study_id == study_id, Job.role == JobRole.LIVE, Job.state != JobState.CANCELLED)
        .subquery()
    )
    return session.scalars(select(ranked.c.id).where(ranked.c.place == 1).order_by(ranked.c.id)).all()
