"""Jobs: what runs, what waits at which place, what failed and why; retry and cancel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import BadCursor, Conflict, NotFound
from services.api.deps import RowId, StudyFilter, Technician, TheBell, TheSettings, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, pack
from services.api.views import JobView, job_view
from services.intake.access import Actor
from services.intake.idempotency import IdempotencyHeader, once
from services.settings import Settings
from services.store import lists
from services.store.blind import reads_blind, withheld_slots
from services.store.places import places_in_queue
from services.store.session import unit_of_work
from services.store.states import AttemptOutcome, JobState
from services.store.stores import Store
from services.store.tables import Attempt, Job
from services.work.jobs import cancel, retry

router = APIRouter(prefix="/jobs", tags=["jobs"])

MOST_ATTEMPTS_SHOWN: Final = 100


class AttemptView(BaseModel):
    """One claim of a job by a worker, and how it ended."""

    worker: str
    outcome: AttemptOutcome
    code: str | None
    detail: str | None
    signal: int | None = Field(description="The signal that ended the process, e.g. 9.")
    peak_memory_bytes: int | None
    device: str | None = Field(description="Host and device it ran on.", examples=["reading-room-2/cuda:0"])
    memory_step: int = Field(description="Steps down the memory ladder, 0 the full memory; see the jobs page.")
    started_at: datetime | None
    ended_at: datetime


class JobDetail(JobView):
    """A job with its history, newest attempt first."""

    history: list[AttemptView]


@router.get("", summary="Jobs, newest first", responses=problems(BadCursor))
def job_list(
    actor: Technician,
    store: TheStore,
    settings: TheSettings,
    state: Annotated[tuple[JobState, ...], Query(description="Only these states; repeatable.")] = (),
    study: StudyFilter = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[JobView]:
    """Each with its place in the queue while it waits."""
    where = [Job.study_id == study] if study is not None else []
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.newest_jobs(session, set(state), after_id(cursor), limit + 1, *where)
        places = places_in_queue(session, rows[:limit], settings.priority_ageing_seconds)
        withheld = withheld_slots(session, actor.user_id, {row.slot_id for row in rows})
    items = [job_view(row, places.get(row.id), withheld=row.slot_id in withheld) for row in rows[:limit]]
    return Page(items=items, next_cursor=pack(rows[limit - 1].id) if len(rows) > limit else None)


@router.get("/{job_id}", summary="One job with its attempts", responses=problems(NotFound))
def job(job_id: RowId, actor: Technician, store: TheStore, settings: TheSettings) -> JobDetail:
    """State, step, progress, place in the queue, and how each attempt ended."""
    return _detail(store, settings, actor, job_id)


@router.post(
    "/{job_id}/retry",
    summary="Run a failed, quarantined or cancelled job again",
    response_model=JobDetail,
    responses=problems(NotFound, Conflict),
)
def run_again(
    job_id: RowId,
    request: Request,
    actor: Technician,
    store: TheStore,
    settings: TheSettings,
    bell: TheBell,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """Its attempts start from nothing; what happened stays in its history."""

    def act() -> JobDetail:
        retry(store, bell, job_id, actor.id_string)
        return _detail(store, settings, actor, job_id)

    return once(store, actor, request, None, idempotency_key, act)


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a queued or running job",
    response_model=JobDetail,
    responses=problems(NotFound, Conflict),
)
def give_up(
    job_id: RowId,
    request: Request,
    actor: Technician,
    store: TheStore,
    settings: TheSettings,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """A running one ends at its worker's next heartbeat; its work is discarded."""

    def act() -> JobDetail:
        cancel(store, job_id, actor.id_string)
        return _detail(store, settings, actor, job_id)

    return once(store, actor, request, None, idempotency_key, act)


def _detail(store: Store, settings: Settings, actor: Actor, job_id: str) -> JobDetail:
    with unit_of_work(store.database, writing=False) as session:
        row = session.get(Job, job_id)
        if row is None:
            raise NotFound("there is no job of this id")
        place = places_in_queue(session, [row], settings.priority_ageing_seconds).get(job_id)
        withheld = reads_blind(session, actor.user_id, row.slot_id)
        attempts = lists.newest_first(session, Attempt, None, MOST_ATTEMPTS_SHOWN, Attempt.job_id == job_id)
    history = [
        AttemptView(
            worker=attempt.worker,
            outcome=AttemptOutcome(attempt.outcome),
            code=attempt.code,
            detail=attempt.detail,
            signal=attempt.signal,
            peak_memory_bytes=attempt.peak_memory_bytes,
            device=attempt.device,
            memory_step=attempt.ladder,
            started_at=attempt.started_at,
            ended_at=attempt.created_at,
        )
        for attempt in attempts
    ]
    return JobDetail(**job_view(row, place, withheld=withheld).model_dump(), history=history)
