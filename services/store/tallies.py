"""What a batch's items come to: counted by the database, or told one page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.core.change import ChangeKind
from services.store.signed import SignedWord, signed_words
from services.store.states import BatchItemState, FetchState
from services.store.tables import BatchFetch, BatchItem, Result, Review


@dataclass(frozen=True, slots=True)
class Compared:
    """A compared item: [label, side, old, new] of the findings that both results hold, and where the results are."""

    id: str
    findings: Sequence[tuple[str, str | None, object, object]]
    old_result_id: str | None
    new_result_id: str


@dataclass(frozen=True, slots=True)
class SignedPair:
    """Both answers of a study that a reader has signed; `old` is None for a first answer."""

    word: SignedWord
    old: Result | None
    new: Result


def by_end(session: Session, batch_id: str) -> list[tuple[BatchItemState, str | None, int]]:
    """How many items stand in each state, by error code."""
    counted = (
        select(BatchItem.state, BatchItem.error_code, func.count())
        .where(BatchItem.batch_id == batch_id)
        .group_by(BatchItem.state, BatchItem.error_code)
    )
    return [(BatchItemState(state), code, number) for state, code, number in session.execute(counted)]


def lost_fetches(session: Session, batch_id: str) -> Mapping[str, int]:
    """How many things outside could not be had, by error code."""
    counted = (
        select(BatchFetch.error_code, func.count())
        .where(BatchFetch.batch_id == batch_id, BatchFetch.state == FetchState.FAILED)
        .group_by(BatchFetch.error_code)
    )
    return {code or "unknown": number for code, number in session.execute(counted)}


def by_kind(session: Session, batch_id: str) -> Mapping[ChangeKind, int]:
    """How many items changed in which way."""
    counted = (
        select(BatchItem.change, func.count())
        .where(BatchItem.batch_id == batch_id, BatchItem.change.is_not(None))
        .group_by(BatchItem.change)
    )
    return {ChangeKind(str(kind)): number for kind, number in session.execute(counted)}


def weighing(session: Session, batch_id: str, kind: ChangeKind, least: float) -> int:
    """How many items changed in this way and weigh at least so much."""
    counted = select(func.count()).where(BatchItem.batch_id == batch_id, BatchItem.change == kind)
    return session.execute(counted.where(BatchItem.weight >= least)).scalar_one()


def mean_seconds(session: Session, batch_id: str) -> float | None:
    """What a reading took; None where nothing was read."""
    mean = session.execute(select(func.avg(BatchItem.seconds)).where(BatchItem.batch_id == batch_id)).scalar_one()
    return None if mean is None else float(mean)


def old_versions(session: Session, batch_id: str) -> Mapping[str, int]:
    """Which versions had given the answers there were."""
    counted = (
        select(Result.model_version, func.count())
        .join(BatchItem, BatchItem.old_result_id == Result.id)
        .where(BatchItem.batch_id == batch_id)
        .group_by(Result.model_version)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def compared_page(session: Session, batch_id: str, after: str, limit: int) -> list[Compared]:
    """Up to `limit` compared items with an id greater than `after`, in the order of their ids."""
    columns = (BatchItem.id, BatchItem.compared, BatchItem.old_result_id, BatchItem.new_result_id)
    rows = session.execute(
        select(*columns)
        .where(BatchItem.batch_id == batch_id, BatchItem.state == BatchItemState.DONE, BatchItem.id > after)
        .where(BatchItem.new_result_id.is_not(None))
        .order_by(BatchItem.id)
        .limit(limit)
    )
    return [
        Compared(item_id, [(label, side, one, two) for label, side, one, two in found or []], old, str(new))
        for item_id, found, old, new in rows
    ]


def signed_pairs(session: Session, items: Sequence[Compared]) -> list[SignedPair]:
    """Those of the items whose study a reader has signed with findings; a mere rejection says none."""
    new_ids = sorted(item.new_result_id for item in items)
    reviewed = select(Result.id, Result.slot_id).where(
        Result.id.in_(new_ids), select(Review.id).where(Review.slot_id == Result.slot_id).exists()
    )
    slots = {row[0]: row[1] for row in session.execute(reviewed)}
    signed = signed_words(session, set(slots.values()))
    words = {slot_id: word for slot_id, word in signed.items() if word.document is not None}
    wanted = [item for item in items if slots.get(item.new_result_id) in words]
    ids = {each for item in wanted for each in (item.old_result_id, item.new_result_id) if each}
    results = {row.id: row for row in session.scalars(select(Result).where(Result.id.in_(sorted(ids))))}
    return [
        SignedPair(
            words[slots[item.new_result_id]],
            results[item.old_result_id] if item.old_result_id else None,
            results[item.new_result_id],
        )
        for item in wanted
    ]
