"""Retention: which studies a policy means, and what of a study goes when it is removed.

Rows stay as tombstones: results, reviews, attempts and audit hold internal ids only. What goes is who was imaged, every
identifier of DICOM's, and the bytes of images and artifacts (services/work/retention.py removes those).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, tuple_, update
from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, NotFound
from services.store import search, worklist
from services.store.clock import UtcDateTime, seconds_from_now, utcnow
from services.store.current import open_proposal
from services.store.signatures import standing_of
from services.store.states import (
    BatchItemState,
    JobState,
    RetentionState,
    ReviewAction,
    ReviewState,
    StudyState,
)
from services.store.tables import (
    ArtifactRow,
    BatchFetch,
    BatchItem,
    Blob,
    CurrentResult,
    Instance,
    Job,
    Patient,
    Result,
    RetentionPolicy,
    Review,
    ReviewMask,
    Series,
    Slot,
    Study,
    WorklistRow,
)

DAY_SECONDS: Final = 86_400.0
#: What an identifier is replaced by, before the row's own id: no DICOM UID begins so, and none collides.
ERASED: Final = "erased-"
ERASED_ISSUER: Final = "erased"
OPEN_JOBS: Final = (JobState.QUEUED, JobState.RUNNING)
OPEN_ITEMS: Final = (BatchItemState.WAITING, BatchItemState.QUEUED)
#: Studies that one page of a walk looks at, whatever the policy means.
PAGE: Final = 2000
#: Studies that a preview names.
NAMED: Final = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk over the archive stands: the oldest studies come first."""

    last_instance_at: datetime
    study_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """The studies that a policy means among those looked at; `after` is where to go on, None at the end."""

    study_ids: tuple[str, ...]
    after: Place | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a policy would remove now; `bytes` is at most what is freed, since studies may share some."""

    studies: int
    images: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None
    study_ids: tuple[str, ...]


def add_policy(
    session: Session, name: str, states: Collection[RetentionState], days: int, pipeline: str | None, actor: str
) -> RetentionPolicy:
    """A policy that acts only once it is approved. Raises Conflict (`policy_exists`): names are never used twice."""
    if session.scalar(select(RetentionPolicy.id).where(RetentionPolicy.name == name)) is not None:
        raise Conflict("there is, or was, a policy of this name", code="policy_exists")
    policy = RetentionPolicy(
        name=name, states=sorted(states), older_than_days=days, pipeline=pipeline, created_by=actor
    )
    session.add(policy)
    session.flush()
    session.refresh(policy)
    return policy


def policies(session: Session) -> Sequence[RetentionPolicy]:
    """The policies that were not removed, oldest first."""
    kept = select(RetentionPolicy).where(RetentionPolicy.removed_at.is_(None))
    return session.scalars(kept.order_by(RetentionPolicy.id)).all()


def get_policy(session: Session, policy_id: str) -> RetentionPolicy:
    """The policy of this id or name; raises NotFound."""
    named = or_(RetentionPolicy.id == policy_id, RetentionPolicy.name == policy_id)
    policy = session.scalar(select(RetentionPolicy).where(named, RetentionPolicy.removed_at.is_(None)))
    if policy is None:
        raise NotFound("there is no retention policy of this id or name")
    return policy


def approve_policy(session: Session, policy: RetentionPolicy, actor: str) -> None:
    """The policy may act from now on."""
    policy.approved_by, policy.approved_at = actor, utcnow()
    session.flush()
    session.refresh(policy)


def end_policy(session: Session, policy: RetentionPolicy) -> None:
    """The policy acts no more; its row stays, since the audit speaks of it."""
    policy.removed_at = utcnow()
    session.flush()


def preview(session: Session, policy: RetentionPolicy) -> Preview:
    """What the policy would remove now."""
    meant = select(Study.id).where(*_meant(policy))
    images = select(Instance.blob_sha256).join(Series).where(Series.study_id.in_(meant))
    artifacts = select(ArtifactRow.blob_sha256).join(Result).where(Result.study_id.in_(meant))
    outlines = select(ReviewMask.blob_sha256).join(Result).where(Result.study_id.in_(meant))
    freed = select(func.coalesce(func.sum(Blob.bytes), 0)).where(
        Blob.removed_at.is_(None), or_(*(Blob.sha256.in_(held) for held in (images, artifacts, outlines)))
    )
    studies, oldest, newest = session.execute(
        select(func.count(), func.min(Study.last_instance_at), func.max(Study.last_instance_at)).where(*_meant(policy))
    ).one()
    return Preview(
        studies=studies,
        images=session.scalar(select(func.count()).select_from(images.subquery())) or 0,
        bytes=int(session.scalar(freed) or 0),
        oldest=oldest,
        newest=newest,
        study_ids=tuple(session.scalars(meant.order_by(Study.last_instance_at, Study.id).limit(NAMED))),
    )


def page(session: Session, policy: RetentionPolicy, after: Place | None, limit: int = PAGE) -> Page:
    """The studies that the policy means among the next `limit` old ones: each page costs the same."""
    walked = select(Study.id, Study.last_instance_at).where(*_old(policy))
    if after is not None:
        place = tuple_(literal(after.last_instance_at, UtcDateTime), literal(after.study_id))
        walked = walked.where(tuple_(Study.last_instance_at, Study.id) > place)
    rows = session.execute(walked.order_by(Study.last_instance_at, Study.id).limit(limit)).all()
    ids = [row.id for row in rows]
    meant = session.scalars(select(Study.id).where(Study.id.in_(ids), *_meant(policy)).order_by(Study.id)).all()
    return Page(tuple(meant), Place(rows[-1].last_instance_at, rows[-1].id) if len(rows) == limit else None)


def is_meant(session: Session, policy: RetentionPolicy, study_id: str) -> bool:
    """Whether a study that the caller has locked is still meant, by the truth tables."""
    if session.scalar(select(Study.id).where(Study.id == study_id, *_meant(policy))) is None:
        return False
    return all(
        _is_settled(session, slot_id) for slot_id in session.scalars(select(Slot.id).filter_by(study_id=study_id))
    )


def _is_settled(session: Session, slot_id: str) -> bool:
    """Whether a signature is the last word on a slot, with no newer draft and no newer result beside it."""
    newest = session.scalar(select(Review).where(Review.slot_id == slot_id).order_by(Review.number.desc()).limit(1))
    pointer = session.get(CurrentResult, slot_id, populate_existing=True)
    stands = standing_of(session, slot_id)
    if pointer is None or open_proposal(pointer, stands) is not None or newest is None:
        return False
    return newest.action != ReviewAction.DRAFT and stands.state is ReviewState.SIGNED


def _old(policy: RetentionPolicy) -> tuple[ColumnElement[bool], ...]:
    return (
        Study.erased_at.is_(None),
        Study.state == StudyState.COMPLETE,
        Study.last_instance_at <= _since(policy),
    )


def _since(policy: RetentionPolicy) -> seconds_from_now:
    return seconds_from_now(-policy.older_than_days * DAY_SECONDS)


def _meant(policy: RetentionPolicy) -> tuple[ColumnElement[bool], ...]:
    """Old, in one of the states, and nothing under way with it; a legal hold outranks everything."""
    of_study = Job.study_id == Study.id, BatchItem.study_id == Study.id
    kinds = {RetentionState.SIGNED: _signed(policy), RetentionState.UNROUTED: _unrouted()}
    conditions = [
        *_old(policy),
        Study.legal_hold.is_(False),
        ~exists().where(of_study[0], Job.state.in_(OPEN_JOBS)),
        ~exists().where(of_study[1], BatchItem.state.in_(OPEN_ITEMS)),
        or_(*(kinds[RetentionState(state)] for state in policy.states)),
    ]
    if policy.pipeline is not None:
        conditions.append(exists().where(Slot.study_id == Study.id, Slot.pipeline == policy.pipeline))
    return tuple(conditions)


def _signed(policy: RetentionPolicy) -> ColumnElement[bool]:
    """Every question about it is signed, and the last word is as old as the images must be."""
    row = WorklistRow.study_id == Study.id
    unsettled = or_(WorklistRow.review_state != ReviewState.SIGNED, WorklistRow.proposed_result_id.is_not(None))
    return and_(
        exists().where(row, WorklistRow.slot_id.is_not(None)),
        ~exists().where(row, unsettled),
        ~exists().where(Slot.study_id == Study.id, Review.slot_id == Slot.id, Review.created_at > _since(policy)),
    )


def _unrouted() -> ColumnElement[bool]:
    return and_(Study.unrouted_reason.is_not(None), ~exists().where(Slot.study_id == Study.id))


def erase(session: Session, study: Study) -> list[str]:
    """Take what identifies out of a study that the caller has locked; returns the digests of its bytes.

    The same images sent again are a new study: nothing finds this one by an identifier any more.
    """
    series_ids = select(Series.id).where(Series.study_id == study.id)
    digests = _digests(session, study.id)
    session.execute(
        update(Instance)
        .where(Instance.series_id.in_(series_ids))
        .values(sop_instance_uid=literal(ERASED) + Instance.id, source_sha256=None)
    )
    session.execute(
        update(Series)
        .where(Series.study_id == study.id)
        .values(series_instance_uid=literal(ERASED) + Series.id, description=None)
    )
    # A job is found by what it read: the images sent again are to be read again, as those of their new study.
    session.execute(update(Job).where(Job.study_id == study.id).values(key=literal(ERASED) + Job.id))
    session.execute(
        update(BatchFetch).where(BatchFetch.study_id == study.id).values(locator=literal(ERASED) + BatchFetch.id)
    )
    study.study_instance_uid = f"{ERASED}{study.id}"
    study.study_date = study.description = study.accession_number = study.legal_hold_reason = None
    study.erased_at = utcnow()
    session.flush()
    search.forget_study(session, study.id)
    _erase_patient(session, study.patient_id)
    worklist.project(session, study.id)
    session.expire_all()
    return digests


def _digests(session: Session, study_id: str) -> list[str]:
    images = select(Instance.blob_sha256, Instance.source_sha256).join(Series).where(Series.study_id == study_id)
    found = {sha256 for pair in session.execute(images) for sha256 in pair if sha256 is not None}
    artifacts = select(ArtifactRow.blob_sha256).join(Result).where(Result.study_id == study_id)
    outlines = select(ReviewMask.blob_sha256).join(Result).where(Result.study_id == study_id)
    return sorted(found | set(session.scalars(artifacts)) | set(session.scalars(outlines)))


def _erase_patient(session: Session, patient_id: str) -> None:
    """Forget who the patient was, unless another study of theirs stays; a study that comes in now waits for this."""
    patient = session.scalars(select(Patient).where(Patient.id == patient_id).with_for_update()).one()
    stays = exists().where(Study.patient_id == patient_id, Study.erased_at.is_(None))
    if session.scalar(select(stays)):
        return
    patient.issuer, patient.patient_id = ERASED_ISSUER, patient.id
    patient.name = patient.birth_date = patient.sex = None
    patient.erased_at = utcnow()
    session.flush()
