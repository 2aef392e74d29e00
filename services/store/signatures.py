"""What a slot's reviews amount to: whose signatures stand, whether they agree, and which of them counts.

docs/data.md holds the table of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.answer import corrected, same_answer
from pipelines.core.change import Document
from services.store.reviews import SIGNING
from services.store.states import ReviewAction, ReviewState, Verdict
from services.store.tables import Result, Review, SecondRead

#: Whether two signatures give the same answer.
Same = Callable[[Review, Review], bool]
#: A word is awaited: of two, or, after it was taken back, of the first.
AWAITED: Final = frozenset({ReviewState.UNREAD, ReviewState.DRAFTED, ReviewState.SECOND_READ})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a slot stands: its state, and the review that counts: none while two readers disagree.

    `words` are the newest standing signatures, one a reader; an adjudication takes the place of all before it.
    `stack` are all signatures that nobody took back, in their order.
    """

    state: ReviewState
    review: Review | None = None
    words: tuple[Review, ...] = ()
    stack: tuple[Review, ...] = ()
    second: SecondRead | None = None  # why a second reader is asked

    @property
    def newest(self) -> Review | None:
        """The signature on top, the only one that can be taken back."""
        return self.stack[-1] if self.stack else None

    @property
    def readers(self) -> frozenset[str]:
        """Everybody whose signature nobody took back."""
        return frozenset(review.user_id for review in self.stack)

    @property
    def verdict(self) -> str | None:
        """The verdict that counts, if any."""
        return self.review.verdict if self.review else None

    @property
    def overruled(self) -> frozenset[str]:
        """Readers between whom a third has decided, and whose word that was no more: empty where nobody decided."""
        if self.second is None or not _is_decided(self.stack):
            return frozenset()
        return self.readers - {word.user_id for word in self.words}

    @property
    def first_reader_id(self) -> str | None:
        """Who signed first, while a second reader or an adjudicator is awaited: this person cannot be that one."""
        return None if self.state is ReviewState.SIGNED or not self.words else self.words[0].user_id

    @property
    def awaits_blinded(self) -> bool:
        """Whether a reader is awaited who sees neither the machine's answer nor another reader's."""
        return self.second is not None and self.second.blinded and self.state in AWAITED

    def settled_at(self, grace_seconds: float) -> datetime | None:
        """From when on the answer may leave the house: signed, and not to be taken back any more; else None."""
        if self.state is not ReviewState.SIGNED or self.newest is None:
            return None
        return self.newest.created_at + timedelta(seconds=grace_seconds)


def standing(reviews: Iterable[Review], second: SecondRead | None, same: Same) -> Standing:
    """Fold the reviews of one slot, ordered by number: signatures stack up, `undo` takes the top one off.

    `second` is the demand for a second reader, if there is one; `same` compares the answers of two readers then.
    """
    history = list(reviews)
    stack = signatures(history)
    if not stack:
        return Standing(ReviewState.DRAFTED if _is_drafted(history) else ReviewState.UNREAD, second=second)
    words = _words(stack)
    state = ReviewState.SIGNED
    if second is not None and any(not same(words[0], other) for other in words[1:]):
        state = ReviewState.ADJUDICATION
    elif second is not None and len(words) == 1 and not _is_decided(stack):
        state = ReviewState.SECOND_READ
    counting = None if state is ReviewState.ADJUDICATION else stack[-1]
    return Standing(state, counting, words, tuple(stack), second)


def standing_of(session: Session, slot_id: str) -> Standing:
    """Where a slot stands now."""
    return standings_of(session, [slot_id]).get(slot_id, Standing(ReviewState.UNREAD))


def standings_of(session: Session, slot_ids: Collection[str]) -> Mapping[str, Standing]:
    """Where those of the slots stand that have reviews, by slot."""
    ids = sorted(slot_ids)
    written = select(Review).where(Review.slot_id.in_(ids)).order_by(Review.slot_id, Review.number)
    asked = {row.slot_id: row for row in session.scalars(select(SecondRead).where(SecondRead.slot_id.in_(ids)))}
    return {
        slot_id: standing(history, asked.get(slot_id), same_in(session))
        for slot_id, history in groupby(session.scalars(written), key=lambda review: review.slot_id)
    }


def same_in(session: Session) -> Same:
    """The comparison of two signatures by the answers that they give."""
    return lambda one, other: same_answer(answer_of(session, one), answer_of(session, other))


def answer_of(session: Session, review: Review) -> Document | None:
    """The answer that a signature gives: the machine's, or as the reader corrected it; None for a rejection."""
    return answer_on(session.get_one(Result, review.result_id).document, review)


def answer_on(document: Document, review: Review) -> Document | None:
    """The same, where the document of the review's result is at hand."""
    if review.verdict == Verdict.REJECT:
        return None
    return corrected(document, review.findings) if review.verdict == Verdict.EDIT else document


def signatures(history: Iterable[Review]) -> list[Review]:
    """Those of a slot's reviews, ordered by number, that are signatures nobody took back."""
    stack: list[Review] = []
    for review in history:
        if review.action == ReviewAction.UNDO:
            del stack[-1:]
        elif review.action in SIGNING:
            stack.append(review)
    return stack


def _is_drafted(history: Iterable[Review]) -> bool:
    """Whether a draft was kept since the last signature, taken back or not."""
    drafted = False
    for review in history:
        if review.action != ReviewAction.UNDO:
            drafted = review.action == ReviewAction.DRAFT
    return drafted


def _words(stack: Iterable[Review]) -> tuple[Review, ...]:
    """The newest signature of each reader, in the order of their first ones; an adjudication replaces all before it."""
    words: dict[str, Review] = {}
    for review in stack:
        if review.action == ReviewAction.ADJUDICATE:
            words = {}
        words[review.user_id] = review
    return tuple(words.values())


def _is_decided(stack: Iterable[Review]) -> bool:
    """Whether an adjudication stands: its reader may amend it without asking anybody again."""
    return any(review.action == ReviewAction.ADJUDICATE for review in stack)
