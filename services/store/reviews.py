"""Reviews: append-only words of readers, numbered within a slot (signatures.py says what they amount to)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
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
