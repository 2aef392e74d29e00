"""What readers signed, as documents that can be held beside a machine's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.change import Document, agrees
from services.store.signatures import answer_on, standings_of
from services.store.tables import Result, Review


@dataclass(frozen=True, slots=True)
class SignedWord:
    """The signature that counts in a slot; `document` is its answer, None where the reader only rejected."""

    review: Review
    document: Document | None

    def agrees(self, reading: Document) -> bool | None:
        """Whether a reading says what the reader signed; None where either gives no findings."""
        return agrees(self.document, reading) if self.document is not None else None


def signed_words(session: Session, slot_ids: Collection[str]) -> Mapping[str, SignedWord]:
    """The signed words of those of the slots that have one, by slot."""
    stand = standings_of(session, slot_ids)
    words = {slot_id: each.review for slot_id, each in stand.items() if each.review is not None}
    read = {word.result_id for word in words.values()}
    results = {row.id: row for row in session.scalars(select(Result).where(Result.id.in_(sorted(read))))}
    return {
        slot_id: SignedWord(word, answer_on(results[word.result_id].document, word)) for slot_id, word in words.items()
    }
