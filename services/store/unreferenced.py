"""Which stored bytes rows refer to: everything that has a foreign key to `blobs`, whichever table it is in.

Rows of a study that retention erased refer to nothing: they are tombstones, and their bytes are to go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Column, Select, select, union
from sqlalchemy.orm import Session

from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import ArtifactRow, Blob, Instance, Result, ReviewMask, Series, Study, Table

QUERY: Final = 500  # digests of one query


def unreferenced(store: Store, digests: Sequence[str]) -> list[str]:
    """Those of the digests that no row refers to, in their order."""
    held: set[str] = set()
    for at in range(0, len(digests), QUERY):
        with unit_of_work(store.database, writing=False) as session:
            held |= referenced(session, digests[at : at + QUERY])
    return [sha256 for sha256 in digests if sha256 not in held]


def referenced(session: Session, digests: Collection[str]) -> set[str]:
    """Those of the digests that at least one row refers to."""
    found = union(*(_held_by(column).where(column.in_(digests)) for column in referring_columns()))
    return set(session.scalars(found))


def _held_by(column: Column[str]) -> Select[str]:
    """The digests that a column holds in rows that count."""
    held = select(column)
    if column.table is Instance.__table__:
        held = held.join(Series, Series.id == Instance.series_id).join(Study, Study.id == Series.study_id)
    elif column.table is ArtifactRow.__table__:
        held = held.join(Result, Result.id == ArtifactRow.result_id).join(Study, Study.id == Result.study_id)
    elif column.table is ReviewMask.__table__:
        held = held.join(Result, Result.id == ReviewMask.result_id).join(Study, Study.id == Result.study_id)
    else:
        return held
    return held.where(Study.erased_at.is_(None))


def referring_columns() -> list[Column[str]]:
    """Every column that names a blob, of today's tables and of those to come."""
    blob = Table.metadata.tables[Blob.__tablename__].c.sha256
    return [column for table in Table.metadata.sorted_tables for column in table.columns if column.references(blob)]
