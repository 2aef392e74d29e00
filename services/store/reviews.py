"""Reviews: append-only words of readers, numbered within a slot (signatures.py says what they amount to)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, ScalarSelect, case, func, select
from sqlalchemy.orm import Session

from services.store.states import ReviewAction, Verdict
from services.store.tables import Review

#: Actions that put a signature on top of those before.
SIGNING: Final = frozenset({ReviewAction.SIGN, ReviewAction.AMEND, ReviewAction.ADJUDICATE})


@dataclass(frozen=True, slots=True)
class NewReview:
    """A review as it is to be written; `findings` are JSON objects, empty unless the verdict is `edit`."""

    result_id: str
    user_id: str
    action: ReviewAction
    verdict: Verdict | None = None
    reason: str | None = None
    findings: tuple[dict[str, object], ...] = ()
    comment: str | None = None
    base_review_id: str | None = None
    mask_id: str | None = None


def of_slot(session: Session, slot_id: str) -> Sequence[Review]:
    """All reviews of a slot, in the order they were written."""
    return session.scalars(select(Review).where(Review.slot_id == slot_id).order_by(Review.number)).all()


def standing_of_reader(user_id: str, slot_id: ColumnElement[str | None]) -> ScalarSelect[int]:
    """How many signatures of a person stand in the slot of a row, as a part of that row's query; null without reviews.

    A signature is taken back by its own reader alone, so that it can be counted without the order of the reviews.
    """
    return select(_standing()).where(Review.slot_id == slot_id, Review.user_id == user_id).scalar_subquery()


def signed_by(session: Session, user_id: str, slot_ids: Collection[str]) -> frozenset[str]:
    """Those of the slots in which a signature of this person stands."""
    own = select(Review.slot_id).where(Review.user_id == user_id, Review.slot_id.in_(sorted(slot_ids)))
    return frozenset(session.scalars(own.group_by(Review.slot_id).having(_standing() > 0))) if slot_ids else frozenset()


def _standing() -> ColumnElement[int]:
    counts = case((Review.action.in_(sorted(SIGNING)), 1), (Review.action == ReviewAction.UNDO, -1), else_=0)
    return func.sum(counts)


def add(session: Session, slot_id: str, review: NewReview) -> Review:
    """Append a review with the slot's next number; two writers of one number collide (IntegrityError)."""
    last = session.scalar(select(func.max(Review.number)).where(Review.slot_id == slot_id)) or 0
    row = Review(
        slot_id=slot_id,
        result_id=review.result_id,
        number=last + 1,
        user_id=review.user_id,
        action=review.action,
        verdict=review.verdict,
        reason=review.reason,
        findings=list(review.findings),
        comment=review.comment,
        base_review_id=review.base_review_id,
        mask_id=review.mask_id,
    )
    session.add(row)
    session.flush()
    return row
