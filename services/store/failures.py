"""What failed, by its reason: jobs that ended badly, counted and named from an index of those alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

from services.store.states import JobState
from services.store.tables import Job

#: The index's own condition, its words written out: as parameters SQLite would not see that the index serves them.
ENDED_BADLY: Final = Job.state.in_([literal_column("'failed'"), literal_column("'quarantined'")])
EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to fail: how a job ended, the pipeline that was asked, and the code of the reason."""

    state: JobState
    pipeline: str
    error_code: str


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """How many jobs ended in one way, when the last did, and the newest of them."""

    failure: Failure
    jobs: int
    newest_at: datetime | None
    examples: Sequence[Job]


def failure_groups(session: Session) -> list[FailureGroup]:
    """Every way in which jobs ended badly and stand so still, the newest first."""
    kind = (Job.state, Job.pipeline, Job.error_code)
    counted = select(*kind, func.count(), func.max(Job.finished_at)).where(ENDED_BADLY, Job.error_code.is_not(None))
    groups = [
        _group(session, Failure(JobState(state), pipeline, str(code)), number, newest)
        for state, pipeline, code, number, newest in session.execute(counted.group_by(*kind))
    ]
    return sorted(groups, key=lambda group: (str(group.newest_at), group.failure.error_code), reverse=True)


def _group(session: Session, failure: Failure, number: int, newest: datetime | None) -> FailureGroup:
    last = select(Job).where(*_of(failure)).order_by(Job.finished_at.desc(), Job.id.desc()).limit(EXAMPLES)
    return FailureGroup(failure, number, newest, session.scalars(last).all())


def oldest_failed(session: Session, failure: Failure, limit: int) -> list[str]:
    """The ids of up to `limit` jobs that ended in this way, the longest ago first."""
    first = select(Job.id).where(*_of(failure)).order_by(Job.finished_at, Job.id).limit(limit)
    return list(session.scalars(first))


def count_failed(session: Session, state: JobState) -> int:
    """How many jobs ended so and stand so still."""
    return session.execute(select(func.count()).where(ENDED_BADLY, Job.state == state).select_from(Job)).scalar_one()


def count_of(session: Session, failure: Failure) -> int:
    """How many jobs ended in this way and stand so still."""
    return session.execute(select(func.count()).where(*_of(failure)).select_from(Job)).scalar_one()


def _of(failure: Failure) -> tuple[ColumnElement[bool], ...]:
    return (
        ENDED_BADLY,
        Job.state == failure.state,
        Job.pipeline == failure.pipeline,
        Job.error_code == failure.error_code,
    )
