"""What readers signed of a model's answers, for counting: verdicts alone, a page of slots at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store.signatures import standings_of
from services.store.tables import Result, Review

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """An answer of a model and the verdict that counts on it."""

    signed_at: datetime
    version: str
    abstained: bool
    verdict: str | None


def signed_answers(session: Session, model: str, since: datetime) -> Iterator[SignedAnswer]:
    """The signatures since then that count and are on answers of this model."""
    after = ""
    while slots := _signed_slots(session, model, since, after):
        words = {
            word.result_id: word
            for standing in standings_of(session, slots).values()
            if (word := standing.review) is not None and word.created_at >= since
        }
        said = select(Result.id, Result.model_version, Result.abstained).where(
            Result.id.in_(sorted(words)), Result.model_name == model
        )
        for result_id, version, abstained in session.execute(said):
            word = words[result_id]
            yield SignedAnswer(word.created_at, version, abstained, word.verdict)
        session.expunge_all()  # or all reviews of half a year would be held
        after = slots[-1]


def _signed_slots(session: Session, model: str, since: datetime, after: str) -> Sequence[str]:
    """The next slots in which somebody has written since then about an answer of this model."""
    written = (
        select(Review.slot_id)
        .join(Result, Result.id == Review.result_id)
        .where(Review.created_at >= since, Review.slot_id > after, Result.model_name == model)
    )
    return session.scalars(written.distinct().order_by(Review.slot_id).limit(PAGE)).all()
