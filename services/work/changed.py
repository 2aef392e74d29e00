"""Opening what a batch changed: old and new side by side, the reader's word, and where the worklist has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store import audit, batches, looks
from services.store.blind import withheld_slots
from services.store.looks import Looked, Mark, Sought, Weighed
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
    """One changed answer; `old` is None for a first one, `word` where nobody has signed, `mark` where nobody looked."""

    item: BatchItem
    old: Shown | None
    new: Shown
    word: SignedWord | None
    row: WorklistRow | None
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class ChangesAsked:
    """A page of a batch's changes: `limit` of those sought, behind `after`."""

    sought: Sought
    after: Weighed | None
    limit: int


def open_changes(
    store: Store, actor: str, reader: str | None, asked: ChangesAsked
) -> tuple[list[OpenedChange], Looked]:
    """The changes, the gravest first, but those that `reader` (a person's id) reads blind still; and the counts of all.

    Leaves a row in the audit. Raises NotFound.
    """
    everything = replace(asked.sought, unseen=False)
    with unit_of_work(store.database, writing=False) as session:
        batches.get_batch(session, asked.sought.batch_id)
        opened = list(islice(_told(session, reader, asked), asked.limit))
        looked = looks.count_looked(session, everything, reader)
    with unit_of_work(store.database) as session:
        audit.record(session, actor, "batch.changes_opened", batch=asked.sought.batch_id, changes=len(opened))
    return opened, looked


def _told(session: Session, reader: str | None, asked: ChangesAsked) -> Iterator[OpenedChange]:
    """What is withheld is passed over as if it had not changed; few slots wait for a second reader at any time."""
    after = asked.after
    while items := looks.changed_items(session, asked.sought, after, asked.limit):
        opened = _opened(session, items)
        withheld = withheld_slots(session, reader, {one.new.result.slot_id for one in opened})
        yield from (one for one in opened if one.new.result.slot_id not in withheld)
        if len(items) < asked.limit:
            return
        after = Weighed(items[-1].weight, items[-1].id)


def _opened(session: Session, items: Sequence[BatchItem]) -> list[OpenedChange]:
    shown = _shown(session, {each for item in items for each in (item.old_result_id, item.new_result_id) if each})
    slots = {each.result.slot_id for each in shown.values()}
    words = signed_words(session, slots)
    rows = {row.slot_id: row for row in session.scalars(select(WorklistRow).where(WorklistRow.slot_id.in_(slots)))}
    marks = looks.marks_of(session, items)
    opened = []
    for item in items:
        new = shown[item.new_result_id or ""]
        slot_id = new.result.slot_id
        old = shown[item.old_result_id] if item.old_result_id else None
        opened.append(OpenedChange(item, old, new, words.get(slot_id), rows.get(slot_id), marks.get(item.id)))
    return opened


def _shown(session: Session, ids: set[str]) -> Mapping[str, Shown]:
    wanted = sorted(ids)
    files = session.scalars(
        select(ArtifactRow).where(ArtifactRow.result_id.in_(wanted)).order_by(ArtifactRow.result_id, ArtifactRow.name)
    )
    by_result = {result_id: list(rows) for result_id, rows in groupby(files, key=lambda row: row.result_id)}
    rows = session.scalars(select(Result).where(Result.id.in_(wanted)))
    return {row.id: Shown(row, by_result.get(row.id, [])) for row in rows}
