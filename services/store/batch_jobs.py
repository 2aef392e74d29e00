"""The jobs of a batch as one: held, let go, and handed over to another batch that waits for them too."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from services.store.states import BatchItemState, BatchState, JobState
from services.store.tables import Batch, BatchItem, Job

#: A batch whose jobs are held.
RESTING = (BatchState.WAITING, BatchState.PAUSED)


def hold_batch(session: Session, batch_id: str) -> None:
    """Let the batch's waiting jobs wait on, whatever worker asks; what runs ends as it would."""
    hand_over(session, batch_id, Job.state == JobState.QUEUED)
    _set_held(session, batch_id, held=True)


def release_batch(session: Session, batch_id: str) -> None:
    """Let workers have the batch's waiting jobs; the caller rings for them."""
    _set_held(session, batch_id, held=False)


def hand_over(session: Session, batch_id: str, which: ColumnElement[bool]) -> None:
    """Give those of the batch's jobs that another batch waits for to that one: it does not pause or end with this."""
    wanted = (
        select(Job.id, Batch.id, Batch.state)
        .join(BatchItem, BatchItem.job_id == Job.id)
        .join(Batch, Batch.id == BatchItem.batch_id)
        .where(
            Job.batch_id == batch_id,
            which,
            Batch.id != batch_id,
            Batch.state.in_((BatchState.RUNNING, *RESTING)),
            BatchItem.state == BatchItemState.QUEUED,
        )
    )
    # Where several wait for it, one that runs now has it.
    for job_id, other, state in sorted(session.execute(wanted).all(), key=lambda row: row[2] == BatchState.RUNNING):
        values = {"batch_id": other, "held": state in RESTING}
        session.execute(update(Job).where(Job.id == job_id).values(**values))


def _set_held(session: Session, batch_id: str, *, held: bool) -> None:
    waits = (Job.batch_id == batch_id, Job.state == JobState.QUEUED, Job.held.is_not(held))
    session.execute(update(Job).where(*waits).values(held=held).execution_options(synchronize_session=False))
