"""Who says otherwise of a slot's answer: another reader, the reader that counts, or a shadow model."""

from __future__ import annotations

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
    return Disagreement.SHADOW if _shadow_differs(session, result) else None


def _shadow_differs(session: Session, result: Result) -> bool:
    """Whether the newest shadow's answer on the very images of this result is another one."""
    shadows = select(Result).where(Result.slot_id == result.slot_id, Result.role == JobRole.SHADOW)
    shadow = session.scalar(shadows.order_by(Result.id.desc()).limit(1))
    if shadow is None or _inputs(shadow) != _inputs(result):
        return False
    return compare(result.document, shadow.document).kind is not ChangeKind.NONE


def _inputs(row: Result) -> frozenset[str]:
    return frozenset(row.document["receipt"]["inputs"])
