"""What a slot's reviews amount to: the newest signature that nobody took back counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.store.states import ReviewAction, ReviewState
from services.store.tables import Review


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a slot stands: its state, the review that counts, and that review's verdict."""

    state: ReviewState
    review: Review | None = None

    @property
    def verdict(self) -> str | None:
        """The verdict that counts, if any."""
        return self.review.verdict if self.review else None


def standing(reviews: Iterable[Review]) -> Standing:
    """Fold the reviews of one slot, ordered by number: signatures stack up, `undo` takes the top one off."""
    signed: list[Review] = []
    drafted = False
    for review in reviews:
        if review.action == ReviewAction.DRAFT:
            drafted = True
        elif review.action == ReviewAction.UNDO:
            del signed[-1:]
        else:
            signed.append(review)
            drafted = False
    if signed:
        return Standing(ReviewState.SIGNED, signed[-1])
    return Standing(ReviewState.DRAFTED if drafted else ReviewState.UNREAD)
