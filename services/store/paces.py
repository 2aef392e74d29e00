"""How long reading takes, measured: of a pipeline's newest results, for the estimate of what was not read yet."""

from __future__ import annotations

from statistics import median
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store.tables import Result

#: Among so many of the newest results those of the pipeline are looked for: the walk is bounded where it has few.
LOOKED_AT: Final = 1000
SAMPLE: Final = 50


def seconds_a_reading(session: Session, pipeline: str) -> float | None:
    """The median of the seconds that one reading took, over the pipeline's newest results; None where it has none."""
    newest = select(Result.id).order_by(Result.id.desc()).limit(LOOKED_AT).subquery()
    documents = session.scalars(
        select(Result.document)
        .join(newest, newest.c.id == Result.id)
        .where(Result.pipeline == pipeline)
        .order_by(Result.id.desc())
        .limit(SAMPLE)
    )
    taken = [float(sum(document["seconds"].values())) for document in documents]
    return median(taken) if taken else None
