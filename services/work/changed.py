"""Opening what a batch changed: old and new side by side, the reader's word, and where the worklist has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.change import ChangeKind
from services.store import audit, batches, changes
from services.store.changes import Weighed
from services.store.session import unit_of_work
from services.store.signed import SignedWord, signed_words
from services.store.stores import Store
from services.store.tables import ArtifactRow, BatchItem, Result, WorklistRow


@dataclass(frozen=True, slots=True)
class Shown:
    """A result with its files."""

    result: Result
    artifacts: Sequence[ArtifactRow]


@dataclass(frozen=True, slots=True)
class OpenedChange:
    """One changed answer; `old` is None for a first one, `word` where nobody has signed."""

    item: BatchItem
    old: Shown | None
    new: Shown
    word: SignedWord | None
    row: WorklistRow | None


def open_changes(
    store: Store, actor: str, batch_id: str, kind: ChangeKind | None, after: Weighed | None, limit: int
) -> list[OpenedChange]:
    """Up to `limit` changes behind `after`, the gravest first; leaves a row in the audit. Raises NotFound."""
    with unit_of_work(store.database, writing=False) as session:
        batches.get_batch(session, batch_id)
        items = changes.changed_items(session, batch_id, kind, after, limit)
        opened = _opened(session, items)
    with unit_of_work(store.database) as session:
        audit.record(session, actor, "batch.changes_opened", batch=batch_id, changes=len(opened))
    return opened


def _opened(session: Session, items: Sequence[BatchItem]) -> list[OpenedChange]:
    shown = _shown(session, {each for item in items for each in (item.old_result_id, item.new_result_id) if each})
    slots = {each.result.slot_id for each in shown.values()}
    words = signed_words(session, slots)
    rows = {row.slot_id: row for row in session.scalars(select(WorklistRow).where(WorklistRow.slot_id.in_(slots)))}
    opened = []
    for item in items:
        new = shown[item.new_result_id or ""]
        slot_id = new.result.slot_id
        old = shown[item.old_result_id] if item.old_result_id else None
        opened.append(OpenedChange(item, old, new, words.get(slot_id), rows.get(slot_id)))
    return opened


def _shown(session: Session, ids: set[str]) -> Mapping[str, Shown]:
    wanted = sorted(ids)
    files = session.scalars(
        select(ArtifactRow).where(ArtifactRow.result_id.in_(wanted)).order_by(ArtifactRow.result_id, ArtifactRow.name)
    )
    by_result = {result_id: list(rows) for result_id, rows in groupby(files, key=lambda row: row.result_id)}
    rows = session.scalars(select(Result).where(Result.id.in_(wanted)))
    return {row.id: Shown(row, by_result.get(row.id, [])) for row in rows}
