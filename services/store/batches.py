"""Batches: an archive to read again, its items, and how far each is; every step may be done twice without harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pipelines.core.errors import NotFound
from services.store import outbox
from services.store.clock import utcnow
from services.store.ids import new_id
from services.store.locks import only_one_now
from services.store.states import BatchItemState, BatchState, JobState, StudyState
from services.store.stored_query import Candidate
from services.store.tables import Batch, BatchItem, Job, Result, Study
from services.store.upsert import insert_missing

#: States in which the scheduler has something to do for a batch.
TENDED: Final = (BatchState.PLANNING, BatchState.RUNNING, BatchState.WAITING)
#: States that nothing follows.
ENDED: Final = (BatchState.CANCELLED, BatchState.FINISHED, BatchState.FAILED)
#: Items that have not ended.
OPEN_ITEMS: Final = (BatchItemState.WAITING, BatchItemState.QUEUED)


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch as it is asked for; the four documents are JSON that was checked where it was made."""

    name: str
    pipeline: str
    model_version_id: str
    source: Mapping[str, object]
    query: Mapping[str, object]
    window: Mapping[str, object]
    budget: Mapping[str, object]
    created_by: str


def add_batch(session: Session, new: NewBatch) -> Batch:
    """Write a batch down; the scheduler plans it from here on."""
    batch = Batch(
        id=new_id(),
        name=new.name,
        pipeline=new.pipeline,
        model_version_id=new.model_version_id,
        source=dict(new.source),
        query=dict(new.query),
        window=dict(new.window),
        budget=dict(new.budget),
        state=BatchState.PLANNING,
        created_by=new.created_by,
    )
    session.add(batch)
    session.flush()
    announce(session, batch)
    return batch


def get_batch(session: Session, batch_id: str) -> Batch:
    """The batch of this id; raises NotFound."""
    batch = session.get(Batch, batch_id)
    if batch is None:
        raise NotFound("there is no batch of this id")
    return batch


def lock_batch(session: Session, batch_id: str) -> Batch:
    """The batch as it is now, and nobody else's until the end of the transaction; raises NotFound."""
    batch = session.get(Batch, batch_id, with_for_update=True, populate_existing=True)
    if batch is None:
        raise NotFound("there is no batch of this id")
    return batch


def tended(session: Session, batch_id: str) -> Batch | None:
    """The batch, locked, if there is work on it now: None where there is none, or another scheduler does it."""
    if not only_one_now(session, "batch", batch_id):
        return None
    batch = lock_batch(session, batch_id)
    return batch if batch.state in TENDED else None


def to_tend(session: Session) -> Sequence[str]:
    """Ids of the batches that the scheduler has something to do for, oldest first."""
    return session.scalars(select(Batch.id).where(Batch.state.in_(TENDED)).order_by(Batch.id)).all()


def to_clear(session: Session) -> Sequence[str]:
    """Ids of batches that were cancelled or failed and whose items were not all ended yet."""
    cut = select(Batch.id).where(
        Batch.state.in_((BatchState.CANCELLED, BatchState.FAILED)), Batch.finished_at.is_(None)
    )
    return session.scalars(cut.order_by(Batch.id)).all()


def set_state(session: Session, batch: Batch, state: BatchState, reason: str | None = None) -> None:
    """Bring a batch that the caller has locked into a state; `reason` says why it stands or ended."""
    if (batch.state, batch.reason) == (state, reason):
        return
    batch.state, batch.reason = state, reason
    if state is BatchState.RUNNING and batch.started_at is None:
        batch.started_at = utcnow()
    if state is BatchState.FINISHED:
        batch.finished_at = utcnow()
    session.flush()
    announce(session, batch)


def announce(session: Session, batch: Batch) -> None:
    """Tell who watches that something about the batch is otherwise."""
    outbox.emit(session, "batch", None, {"batch": batch.id, "state": str(batch.state)})


def add_items(session: Session, batch_id: str, candidates: Sequence[Candidate]) -> int:
    """Make an item of each subject that is none yet; returns how many."""
    rows = [
        {
            "id": new_id(),
            "batch_id": batch_id,
            "study_id": one.study_id,
            "subject_kind": one.subject_kind,
            "subject_id": one.subject_id,
            "state": BatchItemState.WAITING,
        }
        for one in candidates
    ]
    return insert_missing(session, BatchItem, rows, conflict=("batch_id", "subject_kind", "subject_id"))


def _ids_in(session: Session, batch_id: str, state: BatchItemState, limit: int) -> Sequence[str]:
    held = select(BatchItem.id).where(BatchItem.batch_id == batch_id, BatchItem.state == state)
    return session.scalars(held.order_by(BatchItem.id).limit(limit)).all()


def items_to_release(session: Session, batch_id: str, limit: int) -> Sequence[BatchItem]:
    """The first items without a job whose studies are closed: one that takes images is read when it has them."""
    return session.scalars(
        select(BatchItem)
        .join(Study, Study.id == BatchItem.study_id)
        .where(BatchItem.batch_id == batch_id, BatchItem.state == BatchItemState.WAITING)
        .where(Study.state == StudyState.COMPLETE)
        .order_by(BatchItem.id)
        .limit(limit)
    ).all()


def failed_items(session: Session, batch_id: str, after: str | None, limit: int) -> list[tuple[BatchItem, Job]]:
    """Up to `limit` items behind the id `after` that could not be read, each with the job that failed."""
    failed = (
        select(BatchItem, Job)
        .join(Job, Job.id == BatchItem.job_id)
        .where(BatchItem.batch_id == batch_id, BatchItem.state == BatchItemState.FAILED)
        .order_by(BatchItem.id)
        .limit(limit)
    )
    rows = session.execute(failed if after is None else failed.where(BatchItem.id > after))
    return [(item, job) for item, job in rows]


def count_items(session: Session, batch_id: str, state: BatchItemState, most: int) -> int:
    """How many items are in a state, but looks no further than `most`."""
    some = select(BatchItem.id).where(BatchItem.batch_id == batch_id, BatchItem.state == state).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def counts(session: Session, batch_id: str) -> dict[BatchItemState, int]:
    """How many items are in each state: read from the index alone."""
    rows = session.execute(
        select(BatchItem.state, func.count()).where(BatchItem.batch_id == batch_id).group_by(BatchItem.state)
    )
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in BatchItemState}


def skip_items(session: Session, batch_id: str, state: BatchItemState, code: str, limit: int) -> int:
    """End up to `limit` items of a batch that are in this state; returns how many."""
    some = _ids_in(session, batch_id, state, limit)
    session.execute(
        update(BatchItem)
        .where(BatchItem.id.in_(some))
        .values(state=BatchItemState.SKIPPED, error_code=code, finished_at=utcnow())
        .execution_options(synchronize_session=False)
    )
    return len(some)


def ask_anew(session: Session, batch_id: str, study_id: str) -> None:
    """Have a study's ended items read again: more images may have come. A question asked before costs nothing."""
    session.execute(
        update(BatchItem)
        .where(BatchItem.batch_id == batch_id, BatchItem.study_id == study_id, BatchItem.state.not_in(OPEN_ITEMS))
        .values(state=BatchItemState.WAITING, job_id=None, error_code=None, finished_at=None)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that ended while its item still says that it waits."""

    study_id: str
    job_id: str
    state: JobState
    error_code: str | None
    result_id: str | None


def overlooked(session: Session, batch_id: str, limit: int) -> list[Ended]:
    """Jobs of queued items that have ended all the same: whoever ended them did not know of the item yet."""
    rows = session.execute(
        select(Job.study_id, Job.id, Job.state, Job.error_code, Result.id)
        .join(BatchItem, BatchItem.job_id == Job.id)
        .outerjoin(Result, Result.job_id == Job.id)
        .where(BatchItem.batch_id == batch_id, BatchItem.state == BatchItemState.QUEUED)
        .where(Job.state.not_in((JobState.QUEUED, JobState.RUNNING)))
        .order_by(Job.study_id)
        .limit(limit)
    )
    return [Ended(study, job, JobState(state), code, result) for study, job, state, code, result in rows]


@dataclass(frozen=True, slots=True)
class Read:
    """What was read since some moment: how many items, and the seconds of reading together."""

    items: int
    seconds: float
    first: datetime | None


def read_since(session: Session, batch_id: str, since: datetime) -> Read:
    """The items of a batch that ended with a result or an error since then: read from an index of times."""
    rows: Any = (  # Any: a row of aggregates
        session.execute(
            select(
                func.count(), func.coalesce(func.sum(BatchItem.seconds), 0.0), func.min(BatchItem.finished_at)
            ).where(
                BatchItem.batch_id == batch_id,
                BatchItem.finished_at >= since,
                BatchItem.state.in_((BatchItemState.DONE, BatchItemState.FAILED)),
            )
        ).one()
    )
    return Read(rows[0], float(rows[1]), rows[2])


def newest_batches(session: Session, before: str | None, limit: int) -> Sequence[Batch]:
    """Up to `limit` batches older than the id `before`, newest first."""
    query = select(Batch).order_by(Batch.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Batch.id < before)).all()
