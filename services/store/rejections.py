"""What was refused: rows for the dashboard, and which of them still have their bytes in quarantine."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.store.tables import Rejection

SENTENCE_CHARACTERS = 1024


def add(
    session: Session,
    rejection_id: str,
    *,
    actor: str,
    source: str,
    code: str,
    sentence: str,
    size: int,
    quarantined: str | None,
) -> None:
    """Write one refusal; `sentence` names no patient and no file, `quarantined` is its name in the quarantine."""
    session.add(
        Rejection(
            id=rejection_id,
            actor=actor,
            source=source,
            code=code,
            sentence=sentence[:SENTENCE_CHARACTERS],
            bytes=size,
            quarantined=quarantined,
        )
    )


def forget_bytes(session: Session, quarantined: Collection[str]) -> None:
    """The quarantine has let go of these files; the rows stay."""
    session.execute(update(Rejection).where(Rejection.quarantined.in_(quarantined)).values(quarantined=None))
