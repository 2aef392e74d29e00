"""Results of two versions of a model on the same images, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store.tables import ModelVersion, Result


@dataclass(frozen=True, slots=True)
class Pair:
    """What two versions said of the same images."""

    reference: Result
    candidate: Result


def results_of(session: Session, version: ModelVersion, before: str | None, limit: int) -> Sequence[Result]:
    """Up to `limit` results of a version, whatever they were made for, newest first and older than `before`."""
    query = select(Result).where(Result.model_name == version.name, Result.model_version == version.version)
    if before is not None:
        query = query.where(Result.id < before)
    return session.scalars(query.order_by(Result.id.desc()).limit(limit)).all()


def paired(session: Session, candidates: Sequence[Result], reference: ModelVersion) -> list[Pair]:
    """The candidates whose very images the reference version has read too, each with that reading."""
    slots = sorted({each.slot_id for each in candidates})
    read = select(Result).where(Result.slot_id.in_(slots), Result.model_name == reference.name)
    rows = session.scalars(read.where(Result.model_version == reference.version).order_by(Result.id))
    known = {(row.slot_id, row.pipeline, _inputs(row)): row for row in rows}  # the newest of several stays
    pairs = ((known.get((each.slot_id, each.pipeline, _inputs(each))), each) for each in candidates)
    return [Pair(reference_row, candidate) for reference_row, candidate in pairs if reference_row is not None]


def _inputs(row: Result) -> frozenset[str]:
    return frozenset(row.document["receipt"]["inputs"])
