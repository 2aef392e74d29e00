"""Series that the system made: which pipelines are behind each, and which were made but never came into their study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, literal, or_, select
from sqlalchemy.orm import Session

from services.store.states import JobRole
from services.store.tables import ArtifactRow, CurrentResult, Instance, JobInput, Result, Series

#: The kind of artifacts that are the instances of a series which the pipeline made.
DERIVED_SERIES = "derived_series"


@dataclass(frozen=True, slots=True)
class Descent:
    """The pipelines whose results a series was made from, the last one and those before it."""

    pipelines: frozenset[str] = frozenset()
    counts: bool = True  # False where a newer result has taken the place of the one it was made from


#: A series that was sent, not made.
ACQUIRED = Descent()


def descents(session: Session, series: Sequence[Series]) -> Mapping[str, Descent]:
    """The descent of each series, by its id."""
    return {one.id: _descent(session, one.derived_from) if one.derived_from else ACQUIRED for one in series}


def _descent(session: Session, result_id: str) -> Descent:
    pipelines: set[str] = set()
    seen: set[str] = set()
    waiting = [result_id]
    while waiting:
        ancestor = waiting.pop()
        if ancestor in seen:
            continue
        seen.add(ancestor)
        pipeline, job_id = session.execute(select(Result.pipeline, Result.job_id).where(Result.id == ancestor)).one()
        pipelines.add(pipeline)
        waiting += _made_from(session, job_id)
    pointed = or_(CurrentResult.result_id == result_id, CurrentResult.proposed_result_id == result_id)
    counts = session.scalar(select(CurrentResult.slot_id).where(pointed).limit(1)) is not None
    return Descent(frozenset(pipelines), counts)


def _made_from(session: Session, job_id: str) -> list[str]:
    """The results that the job's own inputs were made from."""
    found = session.scalars(
        select(Series.derived_from)
        .join(Instance, Instance.series_id == Series.id)
        .join(JobInput, JobInput.instance_id == Instance.id)
        .where(JobInput.job_id == job_id, Series.derived_from.is_not(None))
        .distinct()
    )
    return [one for one in found if one is not None]


def left_out(session: Session, limit: int, since: str = "") -> Sequence[str]:
    """Ids of results, of the id `since` or behind it, whose series is not in its study yet, oldest first."""
    return session.scalars(
        select(Result.id)
        .join(ArtifactRow, ArtifactRow.result_id == Result.id)
        .where(ArtifactRow.result_id >= since, *_left_out())
        .distinct()
        .order_by(Result.id)
        .limit(limit)
    ).all()


def files_left_out(session: Session, result_id: str) -> Sequence[str]:
    """The sha256 of each image that this result made and its study does not hold yet, ordered by name."""
    return session.scalars(
        select(ArtifactRow.blob_sha256)
        .join(Result, Result.id == ArtifactRow.result_id)
        .where(Result.id == result_id, *_left_out())
        .order_by(ArtifactRow.name)
    ).all()


def _left_out() -> tuple[ColumnElement[bool], ...]:
    held = (
        select(Instance.id)
        .join(Series, Series.id == Instance.series_id)
        .where(Series.study_id == Result.study_id, Instance.blob_sha256 == ArtifactRow.blob_sha256)
    )
    # Written into the statement, so that the database sees that the index of just these files will do.
    made = ArtifactRow.kind == literal(DERIVED_SERIES, literal_execute=True)
    return made, Result.role == JobRole.LIVE, ~exists(held)
