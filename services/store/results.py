"""Results: saved once a job in one guarded transaction, and one pointer a slot that says which is current."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipelines.core.types import Reading
from services.store import attempts, audit, changes, chunks, figures, outbox, worklist
from services.store.blobs import Blobs, Published
from services.store.clock import utcnow
from services.store.current import is_signed, point
from services.store.ids import new_id
from services.store.leases import Claim
from services.store.states import AttemptOutcome, JobRole, JobState
from services.store.tables import ArtifactRow, AuditRow, Job, OutboxEvent, Result

__all__ = ["Finished", "StoredArtifact", "is_signed", "point", "save_result", "save_results"]


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
    role = attempts.succeed(session, claim, peak_memory_bytes)
    result_id = new_id()
    row = _row(result_id, claim, role, reading, document)
    session.add(row)
    blobs.record(session, *(artifact.blob for artifact in artifacts))
    session.flush()  # the result's row before those of its artifacts
    figures.count(session, [row])
    session.add_all(_artifact(result_id, artifact) for artifact in artifacts)
    session.flush()
    changes.settle(session, claim.job_id, result_id)  # with the answer that stands until now
    if role is JobRole.LIVE and not _overtaken(session, claim):
        point(session, claim.slot_id, result_id)
    audit.record(session, f"worker:{claim.worker}", "result.saved", claim.study_id, job=claim.job_id, result=result_id)
    told = {"result": result_id, "job": claim.job_id}
    if role is JobRole.SHADOW:
        outbox.emit(session, "result", None, told)  # no reader of the study is to know of it
    else:
        outbox.emit(session, "result", claim.study_id, {**told, "study": claim.study_id})
    worklist.project(session, claim.study_id)
    return result_id


@dataclass(frozen=True, slots=True)
class Finished:
    """A reading of a chunk with all that is stored of it; its artifacts' blobs are published already."""

    claim: Claim
    reading: Reading
    document: Mapping[str, object]
    artifacts: Sequence[StoredArtifact]
    peak_memory_bytes: int | None


def save_results(session: Session, blobs: Blobs, finished: Sequence[Finished]) -> dict[str, str]:
    """Store the readings of a chunk in one transaction: the id of the result by that of its job.

    Each is guarded by its own fence: one whose claim does not hold any more is left out, and nothing else with it.
    """
    roles = chunks.lock_held(session, [one.claim for one in finished])
    saved = {one.claim.job_id: new_id() for one in finished if one.claim.job_id in roles}
    standing = [one for one in finished if one.claim.job_id in saved]
    succeeded = {"state": JobState.SUCCEEDED, "lease_until": None, "finished_at": utcnow(), "progress": 1.0}
    session.execute(
        update(Job)
        .where(Job.id.in_(list(saved)))
        .values(**succeeded, step=None, error_code=None, error_detail=None)
        .execution_options(synchronize_session=False)
    )
    blobs.record(session, *(artifact.blob for one in standing for artifact in one.artifacts))
    rows = [
        _row(saved[one.claim.job_id], one.claim, roles[one.claim.job_id], one.reading, one.document) for one in standing
    ]
    session.add_all(rows)
    for one in standing:
        session.add(chunks.attempt(one.claim, AttemptOutcome.SUCCEEDED, None, one.peak_memory_bytes))
    session.flush()  # the results' rows before what refers to them
    figures.count(session, rows)
    for one in standing:
        _tell(session, one, saved[one.claim.job_id])
    session.flush()
    for one in standing:
        _place(session, one.claim, roles[one.claim.job_id], saved[one.claim.job_id])
    return saved


def _tell(session: Session, one: Finished, result_id: str) -> None:
    claim = one.claim
    session.add_all(_artifact(result_id, artifact) for artifact in one.artifacts)
    subjects = {"job": claim.job_id, "result": result_id}
    session.add(
        AuditRow(actor=f"worker:{claim.worker}", action="result.saved", study_id=claim.study_id, subjects=subjects)
    )
    payload = {**subjects, "study": claim.study_id}
    session.add(OutboxEvent(topic="result", study_id=claim.study_id, payload=payload))


def _place(session: Session, claim: Claim, role: JobRole, result_id: str) -> None:
    """Compare with the answer that stands; where a study has come to wait for it meanwhile, it is the answer."""
    changes.settle(session, claim.job_id, result_id)
    if role is JobRole.BATCH:
        return
    if role is JobRole.LIVE and not _overtaken(session, claim):
        point(session, claim.slot_id, result_id)
    worklist.project(session, claim.study_id)


def _row(result_id: str, claim: Claim, role: JobRole, reading: Reading, document: Mapping[str, object]) -> Result:
    return Result(
        id=result_id,
        job_id=claim.job_id,
        slot_id=claim.slot_id,
        study_id=claim.study_id,
        pipeline=reading.pipeline,
        role=role,
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
