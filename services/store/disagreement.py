"""Who says otherwise of a slot's answer: another reader, the reader that counts, or a shadow model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.change import ChangeKind, compare
from services.store.signatures import Standing
from services.store.states import Disagreement, JobRole, ReviewState, Verdict
from services.store.tables import Result

OVERRULING: Final = frozenset({Verdict.EDIT, Verdict.REJECT})


def disagreement_of(session: Session, word: Standing, result: Result) -> Disagreement | None:
    """The gravest disagreement about the slot's answer `result`, None where everybody agrees."""
    if word.state is ReviewState.ADJUDICATION:
        return Disagreement.READERS
    if word.verdict in OVERRULING:
        return Disagreement.READER
    return Disagreement.SHADOW if shadow_change(session, result) else None


@dataclass(frozen=True, slots=True)
class ShadowChange:
    """What a shadow model says otherwise than an answer, and since when; `headline` is one line without identifiers."""

    model_version: str
    headline: str
    said_at: datetime


def shadow_change(session: Session, result: Result) -> ShadowChange | None:
    """How the newest shadow's answer on the very images of this result differs; None where it does not."""
    shadows = select(Result).where(Result.slot_id == result.slot_id, Result.role == JobRole.SHADOW)
    shadow = session.scalar(shadows.order_by(Result.id.desc()).limit(1))
    if shadow is None or shadow.id == result.id or _inputs(shadow) != _inputs(result):
        return None
    change = compare(result.document, shadow.document)
    return (
        None
        if change.kind is ChangeKind.NONE
        else ShadowChange(shadow.model_version, change.headline, shadow.created_at)
    )


def _inputs(row: Result) -> frozenset[str]:
    return frozenset(row.document["receipt"]["inputs"])
