"""What a night has brought: counts, old against new, agreement with readers, failures, and who changed most."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.agreement import Share, Tally, Verdicts
from pipelines.core.change import UPWARDS, ChangeKind
from services.store import batches, looks, tallies
from services.store.clock import utcnow
from services.store.looks import Sought
from services.store.session import unit_of_work
from services.store.states import BatchItemState
from services.store.stores import Store
from services.store.tables import Batch, BatchItem, ModelVersion

PAGE: Final = 1000
LARGEST: Final = 20
SECONDS_AN_HOUR: Final = 3600.0
#: A summary as JSON. Any: numbers, words and tables of them.
Summary = dict[str, Any]


def summary_of(store: Store, batch_id: str, *, fresh: bool = False) -> Summary:
    """The summary as it was kept when the batch ended, or as things stand now; raises NotFound.

    Memory does not grow with the items: the database counts, and what it cannot count is read page by page.
    """
    with unit_of_work(store.database, writing=False) as session:
        kept: Summary | None = batches.get_batch(session, batch_id).summary
    return kept if kept is not None and not fresh else _made(store, batch_id)


def keep_summary(store: Store, batch_id: str) -> None:
    """Make the summary of a batch that has ended, and keep it with the batch; raises NotFound."""
    made = _made(store, batch_id)
    with unit_of_work(store.database) as session:
        batches.lock_batch(session, batch_id).summary = made


def _made(store: Store, batch_id: str) -> Summary:
    with unit_of_work(store.database, writing=False) as session:
        batch = batches.get_batch(session, batch_id)
        counted = _head(session, batch) | _counted(session, batch_id)
        gravest = looks.changed_items(session, Sought(batch_id), None, LARGEST)
    tally, old, new = _told(store, batch)
    return {
        **counted,
        **tally.as_json(),
        "clinicians": {"old": old.as_json(), "new": new.as_json()},
        "largest": [_ranked(item) for item in gravest],
    }


def _head(session: Session, batch: Batch) -> Summary:
    version = session.get_one(ModelVersion, batch.model_version_id)
    made_at = session.execute(select(utcnow())).scalar_one()
    seconds = ((batch.finished_at or made_at) - (batch.started_at or batch.created_at)).total_seconds()
    done = batches.counts(session, batch.id).get(BatchItemState.DONE, 0)
    return {
        "batch_id": batch.id,
        "name": batch.name,
        "pipeline": batch.pipeline,
        "state": batch.state,
        "model": {"name": version.name, "version": version.version},
        "window": batch.window or None,
        "created_at": batch.created_at.isoformat(),
        "started_at": batch.started_at.isoformat() if batch.started_at else None,
        "finished_at": batch.finished_at.isoformat() if batch.finished_at else None,
        "made_at": made_at.isoformat(),
        "duration_seconds": round(seconds, 1),
        "an_hour": round(done / seconds * SECONDS_AN_HOUR, 1) if seconds > 0 else None,
    }


def _counted(session: Session, batch_id: str) -> Summary:
    ends = tallies.by_end(session, batch_id)
    items = {state.value: sum(number for one, _, number in ends if one is state) for state in BatchItemState}
    failed = {code or "unknown": number for state, code, number in ends if state is BatchItemState.FAILED}
    skipped = {code or "unknown": number for state, code, number in ends if state is BatchItemState.SKIPPED}
    kinds = tallies.by_kind(session, batch_id)
    upwards = tallies.weighing(session, batch_id, ChangeKind.CROSSED, UPWARDS)
    compared = sum(number for kind, number in kinds.items() if kind is not ChangeKind.NEW)
    seconds = tallies.mean_seconds(session, batch_id)
    return {
        "items": {"total": sum(items.values()), **items},
        "kinds": {kind.value: kinds.get(kind, 0) for kind in ChangeKind},
        "crossings": {"up": upwards, "down": kinds.get(ChangeKind.CROSSED, 0) - upwards},
        "agreement": Share(kinds.get(ChangeKind.NONE, 0), compared).as_json(),
        "failures": {
            "failed": failed,
            "skipped": skipped,
            "not_fetched": dict(tallies.lost_fetches(session, batch_id)),
        },
        "old_versions": dict(tallies.old_versions(session, batch_id)),
        "seconds_a_reading": None if seconds is None else round(seconds, 4),
    }


def _told(store: Store, batch: Batch) -> tuple[Tally, Verdicts, Verdicts]:
    """Findings old against new, and how often the old and the new answers say what readers signed."""
    tally, old, new, after = Tally(batch.pipeline), Verdicts(), Verdicts(), ""
    while True:
        with unit_of_work(store.database, writing=False) as session:
            items = tallies.compared_page(session, batch.id, after, PAGE)
            signed = tallies.signed_pairs(session, items)
        if not items:
            return tally, old, new
        for label, side, before, now in (finding for item in items for finding in item.findings):
            tally.add(label, side, before, now)
        for pair in signed:
            new.add(pair.word.agrees(pair.new.document))
            if pair.old is not None:
                old.add(pair.word.agrees(pair.old.document))
        after = items[-1].id


def _ranked(item: BatchItem) -> Summary:
    return {
        "study_id": item.study_id,
        "kind": item.change,
        "weight": item.weight,
        "headline": item.headline,
        "old_result_id": item.old_result_id,
        "new_result_id": item.new_result_id,
    }
