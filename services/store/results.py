"""Results: saved once a job in one guarded transaction, and one pointer a slot that says which is current."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipelines.core.types import Reading
from services.store import attempts, audit, outbox, worklist
from services.store.blobs import Blobs, Published
from services.store.clock import utcnow
from services.store.ids import new_id
from services.store.jobs import Claim
from services.store.signatures import standing
from services.store.states import JobRole, ReviewState
from services.store.tables import ArtifactRow, CurrentResult, Result, Review, Slot
from services.store.upsert import insert_or_keep


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A file of a result whose bytes are durable already."""

    name: str
    kind: str
    blob: Published


def save_result(
    session: Session,
    blobs: Blobs,
    claim: Claim,
    reading: Reading,
    document: Mapping[str, object],
    artifacts: Sequence[StoredArtifact],
    peak_memory_bytes: int | None = None,
) -> str:
    """Store a reading as the claim's result and return its id; the artifacts' blobs are published before.

    Raises LeaseLost where the claim does not hold any more: the caller's transaction then leaves nothing behind.
    """
    attempts.succeed(session, claim, peak_memory_bytes)
    result_id = new_id()
    session.add(_row(result_id, claim, reading, document))
    blobs.record(session, *(artifact.blob for artifact in artifacts))
    session.flush()  # the result's row before those of its artifacts
    session.add_all(_artifact(result_id, artifact) for artifact in artifacts)
    session.flush()
    if claim.role is JobRole.LIVE and not _overtaken(session, claim):
        point(session, claim.slot_id, result_id)
    audit.record(session, f"worker:{claim.worker}", "result.saved", claim.study_id, job=claim.job_id, result=result_id)
    outbox.emit(session, "result", claim.study_id, {"result": result_id, "job": claim.job_id, "study": claim.study_id})
    worklist.project(session, claim.study_id)
    return result_id


def _row(result_id: str, claim: Claim, reading: Reading, document: Mapping[str, object]) -> Result:
    return Result(
        id=result_id,
        job_id=claim.job_id,
        slot_id=claim.slot_id,
        study_id=claim.study_id,
        pipeline=reading.pipeline,
        role=claim.role,
        model_name=reading.model.name,
        model_version=reading.model.version,
        model_sha256=reading.model.sha256,
        receipt_digest=reading.receipt.digest,
        abstained=reading.abstained,
        urgency=reading.urgency,
        document=dict(document),
    )


def _artifact(result_id: str, artifact: StoredArtifact) -> ArtifactRow:
    return ArtifactRow(
        result_id=result_id,
        name=artifact.name,
        kind=artifact.kind,
        media_type=artifact.blob.media_type,
        bytes=artifact.blob.bytes,
        blob_sha256=artifact.blob.sha256,
    )


def _overtaken(session: Session, claim: Claim) -> bool:
    """Whether a job that was asked for later has answered already (this one was retried): its answer stays."""
    later = select(Result.id).where(
        Result.slot_id == claim.slot_id, Result.role == JobRole.LIVE, Result.job_id > claim.job_id
    )
    return session.execute(later.limit(1)).scalar_one_or_none() is not None


def point(session: Session, slot_id: str, result_id: str) -> None:
    """Make a result the slot's current one, or the proposed change where a reader has signed the current one."""
    session.execute(select(Slot.id).where(Slot.id == slot_id).with_for_update())
    values = {"slot_id": slot_id, "result_id": result_id, "updated_at": utcnow()}
    if insert_or_keep(session, CurrentResult, values, conflict=("slot_id",)):
        return
    if is_signed(session, slot_id):
        change: dict[str, str | None] = {"proposed_result_id": result_id}
    else:
        change = {"result_id": result_id, "proposed_result_id": None}
    session.execute(update(CurrentResult).where(CurrentResult.slot_id == slot_id).values(**change, updated_at=utcnow()))


def is_signed(session: Session, slot_id: str) -> bool:
    """Whether a reader's signature stands on this slot."""
    reviews = session.scalars(select(Review).where(Review.slot_id == slot_id).order_by(Review.number))
    return standing(reviews).state is ReviewState.SIGNED
