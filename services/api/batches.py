"""Batches: archives read again overnight; previewed, started, watched, paused, resumed, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import (
    BadCursor,
    BadRequest,
    Conflict,
    Forbidden,
    ModelError,
    NotFound,
    SourceUnavailable,
    UnknownModel,
    WithheldFilter,
)
from services.api.deps import Admin, RowId, Technician, TheSettings, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, pack
from services.api.views import JsonObject
from services.intake.access import Actor
from services.intake.idempotency import IdempotencyHeader, once
from services.store import batches
from services.store.session import unit_of_work
from services.store.states import BatchItemState, BatchState, FetchState
from services.store.stores import Store
from services.work import reprocess
from services.work.asked import BatchAsked
from services.work.preview import Preview, preview
from services.work.progress import Progress, progress_of
from services.work.window import Night

router = APIRouter(prefix="/batches", tags=["batches"])

CREATED: Final = 201
REFUSED: Final = (BadRequest, WithheldFilter, Forbidden, NotFound, UnknownModel, ModelError)


class NightView(BaseModel):
    """One time of work, `opens` <= now < `closes`."""

    day: date = Field(description="The local date on which it opens.")
    opens: datetime
    closes: datetime


class BatchView(BaseModel):
    """A batch and how far it is."""

    id: str
    name: str = Field(examples=["Re-read with 1.1.0"])
    pipeline: str
    model: str = Field(examples=["fundus_dr_grading"])
    model_version: str = Field(examples=["1.1.0"])
    source: JsonObject = Field(examples=[{"kind": "stored"}])
    query: JsonObject = Field(examples=[{"read_by": "1.0.0", "from": "2026-01-01"}])
    window: JsonObject = Field(
        description="Empty: always.", examples=[{"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}]
    )
    budget: JsonObject = Field(description="A night's; empty: no limit.", examples=[{"studies": 2000}])
    state: BatchState
    reason: str | None = Field(description="Why it waits, is paused or has failed.", examples=["outside its window"])
    created_by: str = Field(examples=["user:01JD8Q3Z5V7Y9XK2M4N6P8R0ST"])
    created_at: datetime
    started_at: datetime | None
    planned: bool = Field(description="Whether all its studies are known; before, the counts still grow.")
    finished_at: datetime | None
    items: dict[BatchItemState, int] = Field(
        description="Subjects by state.",
        examples=[{"waiting": 800, "queued": 32, "done": 160, "failed": 2, "skipped": 6}],
    )
    fetches: dict[FetchState, int] | None = Field(
        description="What is fetched from outside, by state; null where nothing is.", examples=[None]
    )
    fetch_failures: dict[str, int] = Field(description="Failed fetches by the code of their reason.", examples=[{}])
    progress: float = Field(description="Share of the known subjects that have ended, 0-1.", examples=[0.168])
    per_hour: float | None = Field(description="Subjects read an hour, of late; null where nothing is read.")
    night: NightView | None = Field(description="The present night; null by day.")
    next_night: NightView
    studies_left: int | None = Field(description="What tonight's budget leaves; null: no limit.")
    hours_left: float | None = Field(description="Hours of reading that tonight's budget leaves; null: no limit.")
    expected_at: datetime | None = Field(description="When it will be done at this pace, by its nights; null: unknown.")
    expected_nights: int | None


class PreviewView(BaseModel):
    """What a batch would be; nothing was written."""

    model_version: str = Field(examples=["1.1.0"])
    studies: int = Field(description="Studies looked at; of an archive outside: what there is to fetch.")
    subjects: int = Field(description="Subjects the batch would hold: studies, or series, as the pipeline reads.")
    already_read: int = Field(description="Of these: read by this version before, settled without reading again.")
    up_to_date: int = Field(description="Left out, since their current answer is this version's.")
    to_read: int = Field(description="Subjects to read; over the whole archive also where only a share was counted.")
    counted_share: float | None = Field(
        description="Share of the archive that was counted in the time for it, 0-1; null where nobody can say."
    )
    seconds_a_study: float | None = Field(description="Median of the pipeline's newest results; null: none yet.")
    hours: float | None = Field(description="Hours that one worker would read.")
    expected_nights: int | None = Field(description="Nights of this window and budget, by one worker.")
    expected_at: datetime | None


@router.post(
    "",
    status_code=CREATED,
    summary="Read an archive again",
    response_model=BatchView,
    responses=problems(*REFUSED),
)
def start(
    body: BatchAsked,
    request: Request,
    actor: Admin,
    store: TheStore,
    settings: TheSettings,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """Studies that are stored, a folder tree on the server, or an archive; jobs run only in the window.

    Results lie beside the present answers; `GET /batches/{id}/changes` says whose finding changed.
    """

    _check_blind(actor, body)

    def act() -> BatchView:
        return _view(store, reprocess.start(store, settings, actor.id_string, body))

    return once(store, actor, request, body, idempotency_key, act, status=CREATED)


@router.post("/preview", summary="What a batch would be", responses=problems(*REFUSED, SourceUnavailable))
def look_ahead(body: BatchAsked, actor: Admin, store: TheStore, settings: TheSettings) -> PreviewView:
    """Counts, hours and nights; nothing is written. A large archive is counted for ten seconds, then extrapolated."""
    _check_blind(actor, body)
    return preview_view(preview(store, settings, body))


def _check_blind(actor: Actor, body: BatchAsked) -> None:
    """How many studies of a day have a grade says what grade the only one of that day has."""
    query = body.query.query
    if actor.blind_first and any(asked is not None for asked in (query.finding, query.abstained, query.review_state)):
        raise WithheldFilter


@router.get("", summary="Batches, newest first", responses=problems(BadCursor))
def batch_list(actor: Technician, store: TheStore, limit: Limit = 50, cursor: Cursor = None) -> Page[BatchView]:
    """Each with its counts."""
    with unit_of_work(store.database, writing=False) as session:
        rows = batches.newest_batches(session, after_id(cursor), limit + 1)
        items = [batch_view(progress_of(session, row)) for row in rows[:limit]]
    return Page(items=items, next_cursor=pack(rows[limit - 1].id) if len(rows) > limit else None)


@router.get("/{batch_id}", summary="One batch and how far it is", responses=problems(NotFound))
def batch(batch_id: RowId, actor: Technician, store: TheStore) -> BatchView:
    """State, counts, pace, the present and the next night, and when it will be done."""
    return _view(store, batch_id)


@router.post(
    "/{batch_id}/pause", summary="Begin nothing new", response_model=BatchView, responses=problems(NotFound, Conflict)
)
def pause(
    batch_id: RowId, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """What runs ends; what waits is held until the batch is resumed."""
    return _change(store, actor, request, idempotency_key, batch_id, reprocess.pause)


@router.post(
    "/{batch_id}/resume",
    summary="Let a paused batch go on",
    response_model=BatchView,
    responses=problems(NotFound, Conflict),
)
def resume(
    batch_id: RowId, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """It goes on in its window."""
    return _change(store, actor, request, idempotency_key, batch_id, reprocess.resume)


@router.post(
    "/{batch_id}/cancel", summary="End a batch", response_model=BatchView, responses=problems(NotFound, Conflict)
)
def cancel(
    batch_id: RowId, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """What waits is cancelled, what runs is given up; results stay, and their changes can be looked at."""
    return _change(store, actor, request, idempotency_key, batch_id, reprocess.cancel)


def _change(
    store: Store,
    actor: Actor,
    request: Request,
    key: str | None,
    batch_id: str,
    change: Callable[[Store, str, str], None],
) -> Response:
    """Do it once, and answer with the batch as it is then."""

    def act() -> BatchView:
        change(store, actor.id_string, batch_id)
        return _view(store, batch_id)

    return once(store, actor, request, None, key, act)


def _view(store: Store, batch_id: str) -> BatchView:
    with unit_of_work(store.database, writing=False) as session:
        return batch_view(progress_of(session, batches.get_batch(session, batch_id)))


def batch_view(progress: Progress) -> BatchView:
    """A batch as JSON."""
    row, clock = progress.batch, progress.clock
    return BatchView(
        id=row.id,
        name=row.name,
        pipeline=row.pipeline,
        model=progress.model,
        model_version=progress.model_version,
        source=row.source,
        query=row.query,
        window=row.window,
        budget=row.budget,
        state=BatchState(row.state),
        reason=row.reason,
        created_by=row.created_by,
        created_at=row.created_at,
        started_at=row.started_at,
        planned=row.planned_at is not None,
        finished_at=row.finished_at,
        items=dict(progress.items),
        fetches=dict(progress.fetches) if progress.fetches is not None else None,
        fetch_failures=dict(progress.fetch_failures),
        progress=progress.share,
        per_hour=progress.per_hour,
        night=_night_view(clock.night) if clock.night else None,
        next_night=_night_view(clock.next_night),
        studies_left=clock.studies_left,
        hours_left=clock.hours_left,
        expected_at=progress.forecast.finished_at,
        expected_nights=progress.forecast.nights,
    )


def _night_view(night: Night) -> NightView:
    return NightView(day=night.day, opens=night.opens, closes=night.closes)


def preview_view(told: Preview) -> PreviewView:
    """A preview as JSON."""
    return PreviewView(
        model_version=told.model_version,
        studies=told.counted.studies,
        subjects=told.counted.subjects,
        already_read=told.counted.was_read,
        up_to_date=told.counted.answered,
        to_read=told.to_read,
        counted_share=told.counted.share,
        seconds_a_study=told.seconds_a_study,
        hours=told.hours,
        expected_nights=told.forecast.nights,
        expected_at=told.forecast.finished_at,
    )
