"""What was said of a patient before: earlier studies, and the findings that readers signed of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store import studies
from services.store.signed import SignedWord, signed_words
from services.store.states import ReviewState
from services.store.tables import Study, WorklistRow

Value = int | float | str


@dataclass(frozen=True, slots=True)
class SignedFinding:
    """One finding as the reader whose word counts signed it; `laterality` is R, L, B or None for the patient."""

    pipeline: str
    label: str
    laterality: str | None
    value: Value
    unit: str | None


@dataclass(frozen=True, slots=True)
class Prior:
    """An earlier study: its modalities joined by a slash, and what readers signed of it.

    What only a machine said is not here: a reader who reads blind has not yet seen it.
    """

    study: Study
    modality: str
    signed: Sequence[SignedFinding]


def priors_of(session: Session, study_id: str) -> list[Prior]:
    """The patient's earlier studies, newest first; raises NotFound."""
    earlier = studies.priors(session, study_id)
    rows = session.scalars(select(WorklistRow).where(WorklistRow.study_id.in_([study.id for study in earlier]))).all()
    modalities = {row.study_id: row.modality for row in rows}
    settled = {row.slot_id: row for row in rows if row.slot_id and row.review_state == ReviewState.SIGNED}
    signed = _by_study(settled, signed_words(session, list(settled)))
    return [Prior(study, modalities.get(study.id, ""), signed.get(study.id, ())) for study in earlier]


def _by_study(
    settled: Mapping[str, WorklistRow], words: Mapping[str, SignedWord]
) -> Mapping[str, Sequence[SignedFinding]]:
    found: dict[str, list[SignedFinding]] = defaultdict(list)
    for slot_id, word in words.items():
        row = settled[slot_id]
        found[row.study_id].extend(_findings(row.pipeline, word))
    return found


def _findings(pipeline: str, word: SignedWord) -> Iterator[SignedFinding]:
    """None of a reading that was rejected."""
    for one in (word.document or {}).get("findings", ()):
        if one["value"] is not None:
            yield SignedFinding(pipeline, one["label"], one["laterality"], one["value"], one.get("unit"))
