"""What a person does with a batch: start, pause, resume and cancel it. The scheduler does the rest (tend.py)."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from pipelines.core.errors import BadRequest, Conflict, ModelError, NotFound
from services.archive.registry import admit
from services.settings import Settings
from services.store import attempts, audit, batch_jobs, batches, models
from services.store.batches import NewBatch
from services.store.entries import all_entries
from services.store.session import unit_of_work
from services.store.states import BatchState, ModelState
from services.store.stored_query import Target
from services.store.stores import Store
from services.store.tables import Batch
from services.work.asked import BatchAsked, StoredAsked
from services.work.window import read_budget, read_window

STORED: Final = "stored"
PAUSED_BY_PERSON: Final = "paused by a person"
CANCELLED_BY_PERSON: Final = "cancelled by a person"


def start(store: Store, settings: Settings, actor: str, asked: BatchAsked, *, anywhere: bool = False) -> str:
    """Write a batch down and return its id; the scheduler plans it at once and begins in its window.

    `anywhere` lets a person at the console name any folder (services/archive/registry.admit). Raises BadRequest,
    Forbidden, NotFound (no such pipeline), UnknownModel, ModelError.
    """
    source = _source(settings, asked, anywhere=anywhere)
    window = read_window(asked.window.model_dump(by_alias=True) if asked.window else None)
    budget = read_budget(asked.budget.model_dump() if asked.budget else None)
    with unit_of_work(store.database) as session:
        target = target_of(session, asked.pipeline, asked.model_version)
        new = NewBatch(
            name=asked.name,
            pipeline=asked.pipeline,
            model_version_id=target.version.id,
            source=source,
            query=asked.query.model_dump(mode="json", by_alias=True, exclude_none=True),
            window=window.as_json(),
            budget=budget.as_json(),
            created_by=actor,
        )
        batch = batches.add_batch(session, new)
        audit.record(session, actor, "batch.started", batch=batch.id)
        return batch.id


def _source(settings: Settings, asked: BatchAsked, *, anywhere: bool) -> dict[str, object]:
    if isinstance(asked.source, StoredAsked):
        return asked.source.model_dump()
    return admit(asked.source.model_dump(mode="json", by_alias=True), settings, anywhere=anywhere)


def target_of(session: Session, pipeline: str, model_version: str | None) -> Target:
    """The pipeline with a version of its model, the active one where none is named.

    Raises NotFound, UnknownModel, and ModelError where no version is active or the one named was retired.
    """
    entry = all_entries(session).get(pipeline)
    if entry is None:
        raise NotFound("there is no pipeline of this name", code="unknown_pipeline")
    if model_version is None:
        version = models.active_version(session, entry.model)
        if version is None:
            raise BadRequest("no version of the pipeline's model is active; name one", code="no_active_model")
        return Target(entry, version)
    version = models.find_version(session, entry.model, model_version)
    _refuse_retired(session, version.id)
    return Target(entry, version)


def target_of_batch(session: Session, batch: Batch) -> Target:
    """What a batch reads with. Raises NotFound or ModelError where that is not in use any more."""
    entry = all_entries(session).get(batch.pipeline)
    if entry is None:
        raise NotFound("the pipeline of this batch is not here any more", code="unknown_pipeline")
    _refuse_retired(session, batch.model_version_id)
    return Target(entry, models.get_version(session, batch.model_version_id))


def _refuse_retired(session: Session, model_version_id: str) -> None:
    if models.events_of(session, model_version_id)[-1].state == ModelState.RETIRED:
        raise ModelError("the model version was retired", code="model_retired")


def pause(store: Store, actor: str, batch_id: str) -> None:
    """Begin nothing new for a batch; what runs ends. Raises NotFound, and Conflict where it has ended."""
    with unit_of_work(store.database) as session:
        batch = _going_on(session, batch_id)
        batch_jobs.hold_batch(session, batch_id)
        batches.set_state(session, batch, BatchState.PAUSED, PAUSED_BY_PERSON)
        audit.record(session, actor, "batch.paused", batch=batch_id)


def resume(store: Store, actor: str, batch_id: str) -> None:
    """Let a paused batch go on in its window. Raises NotFound, and Conflict where it is not paused."""
    with unit_of_work(store.database) as session:
        batch = batches.lock_batch(session, batch_id)
        if batch.state != BatchState.PAUSED:
            raise Conflict("only a paused batch can be resumed", code="illegal_state", state=batch.state)
        batches.set_state(session, batch, BatchState.WAITING)
        audit.record(session, actor, "batch.resumed", batch=batch_id)


def cancel(store: Store, actor: str, batch_id: str) -> None:
    """End a batch: its waiting jobs are cancelled, running ones given up; results stay.

    The scheduler ends its items. Raises NotFound, and Conflict where it has ended.
    """
    with unit_of_work(store.database) as session:
        batch = _going_on(session, batch_id)
        batches.set_state(session, batch, BatchState.CANCELLED, CANCELLED_BY_PERSON)
        audit.record(session, actor, "batch.cancelled", batch=batch_id)
    cancel_jobs(store, batch_id)


def cancel_jobs(store: Store, batch_id: str) -> None:
    """Cancel a batch's open jobs, some in each transaction."""
    while True:
        with unit_of_work(store.database) as session:
            if attempts.cancel_batch(session, batch_id) == 0:
                return


def _going_on(session: Session, batch_id: str) -> Batch:
    batch = batches.lock_batch(session, batch_id)
    if batch.state in batches.ENDED:
        raise Conflict("the batch has ended", code="illegal_state", state=batch.state)
    return batch
