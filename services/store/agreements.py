"""What readers said of a model's answers, as its weeks are counted: verdicts only, no documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from services.store.signatures import same_in, standing
from services.store.tables import Result, Review, SecondRead

#: Reviews that are held in memory at a time.
PAGE = 1000


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """An answer of a model and the verdict that counts on it."""

    signed_at: datetime
    version: str
    abstained: bool
    verdict: str | None


def signed_answers(session: Session, model: str, since: datetime) -> Iterator[SignedAnswer]:
    """The signatures since then that count and are on answers of this model, by slot."""
    lately = (
        select(Review.slot_id)
        .join(Result, Result.id == Review.result_id)
        .where(Review.created_at >= since, Result.model_name == model)
    )
    written = (
        select(Review, Result.model_name, Result.model_version, Result.abstained)
        .join(Result, Result.id == Review.result_id)
        .where(Review.slot_id.in_(lately))
        .order_by(Review.slot_id, Review.number)
        .options(load_only(Review.slot_id, Review.number, Review.action, Review.verdict, Review.created_at))
        .execution_options(yield_per=PAGE)
    )
    asked = {row.slot_id: row for row in session.scalars(select(SecondRead).where(SecondRead.slot_id.in_(lately)))}
    for slot_id, history in groupby(session.execute(written), key=lambda row: row[0].slot_id):
        rows = {row[0].id: row for row in history}
        word = standing((row[0] for row in rows.values()), asked.get(slot_id), same_in(session)).review
        if word is None or word.created_at < since:
            continue
        _, name, version, abstained = rows[word.id]
        if name == model:
            yield SignedAnswer(word.created_at, version, abstained, word.verdict)
