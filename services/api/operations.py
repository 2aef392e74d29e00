"""How the system does, for those who run it: one look at everything, and what failed by its reason."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import BadInput
from services.api.alarms import AlarmView, alarm_view
from services.api.deps import Admin, TheBell, TheSettings, TheStore, Word
from services.api.errors import problems
from services.api.pages import Page
from services.api.queues import QueueView, queue_view
from services.api.workers import WorkerView, worker_view
from services.intake.idempotency import IdempotencyHeader, once
from services.store import failures
from services.store.alarms import AlarmCode
from services.store.failures import Failure, FailureGroup
from services.store.room import Level
from services.store.session import unit_of_work
from services.store.states import JobState
from services.work import operations
from services.work.jobs import retry_all
from services.work.operations import Overview

router = APIRouter(tags=["administration"])

#: One request queues so many jobs at most: each is a change of its study that readers wait for.
MOST_RETRIED: Final = 500


class PlaceState(StrEnum):
    """How full a place is."""

    OK = "ok"  #: there is room
    LOW = "low"  #: a person should make room
    FULL = "full"  #: images are refused


class PlaceView(BaseModel):
    """A disk, or the quota of stored bytes, and its marks."""

    name: str = Field(examples=["the disk of spool, blobs, database"])
    state: PlaceState
    total_bytes: int
    left_bytes: int
    refuse_below_bytes: int = Field(description="With less left than this, images are refused.")
    accept_from_bytes: int = Field(description="Once refused, they are taken again with so much left.")
    warn_below_bytes: int = Field(description="With less left than this, an alarm asks for room.")


class OverviewView(BaseModel):
    """Everything at one moment."""

    at: datetime = Field(description="The moment, by the database's clock.")
    queues: list[QueueView]
    waiting_since: datetime | None = Field(description="When the oldest job that waits for a worker was made.")
    workers: list[WorkerView]
    alarms: list[AlarmView]
    places: list[PlaceView]
    failed: int = Field(description="Jobs that failed and stand so still.")
    quarantined: int = Field(description="Jobs that ended their worker and are kept away from all others.")
    dead_deliveries: int = Field(description="Deliveries that were given up.")


class FailedJob(BaseModel):
    """A job that ended badly."""

    id: str
    study_id: str
    attempts: int
    error_detail: str | None
    finished_at: datetime | None


class FailureView(BaseModel):
    """Jobs that ended in one way and stand so still."""

    state: JobState = Field(description="failed or quarantined.", examples=["failed"])
    pipeline: str
    error_code: str
    jobs: int
    newest_at: datetime | None = Field(description="When the last of them ended.")
    examples: list[FailedJob] = Field(description="The newest of them.")


class RetryRequest(BaseModel):
    """Which jobs are to run again: those that one pipeline ended with one code."""

    pipeline: Word
    error_code: Word
    state: Literal[JobState.FAILED, JobState.QUARANTINED] = Field(
        default=JobState.FAILED,
        description="Quarantined jobs ended their worker: they run again only where they are asked for by this word.",
    )
    limit: Annotated[int, Field(ge=1, le=MOST_RETRIED, description="The longest ago first.")] = MOST_RETRIED


class RetryAnswer(BaseModel):
    """What was done."""

    retried: int = Field(description="Jobs that wait for a worker again.")
    left: int = Field(description="Jobs that still stand so.")


@router.get("/operations/overview", summary="How everything does now", responses=problems())
def overview(actor: Admin, store: TheStore, settings: TheSettings) -> OverviewView:
    """Queues, workers, alarms, room, and counts of what a person has to look at."""
    return overview_view(operations.look(store, settings))


@router.get("/operations/failures", summary="What failed, by its reason", responses=problems())
def failure_list(actor: Admin, store: TheStore) -> Page[FailureView]:
    """Jobs that failed or were quarantined and stand so still, newest reason first, all on one page."""
    with unit_of_work(store.database, writing=False) as session:
        return Page(items=[failure_view(group) for group in failures.failure_groups(session)])


@router.post(
    "/jobs/retry",
    summary="Run all jobs again that failed for one reason",
    response_model=RetryAnswer,
    responses=problems(BadInput),
)
def retry_failed(
    body: RetryRequest,
    request: Request,
    actor: Admin,
    store: TheStore,
    bell: TheBell,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """As `POST /jobs/{id}/retry` does it for one; those that somebody changed meanwhile are left alone."""
    failure = Failure(body.state, body.pipeline, body.error_code)

    def act() -> RetryAnswer:
        retried = retry_all(store, bell, failure, body.limit, actor.id_string)
        with unit_of_work(store.database, writing=False) as session:
            return RetryAnswer(retried=retried, left=failures.count_of(session, failure))

    return once(store, actor, request, body, idempotency_key, act)


def overview_view(seen: Overview) -> OverviewView:
    """A look at everything as JSON."""
    was_full = any(alarm.code == AlarmCode.STORAGE_FULL for alarm in seen.alarms)
    return OverviewView(
        at=seen.at,
        queues=[queue_view(state) for state in seen.queues],
        waiting_since=min((state.waiting_since for state in seen.queues if state.waiting_since), default=None),
        workers=[worker_view(state) for state in seen.workers],
        alarms=[alarm_view(row) for row in seen.alarms],
        places=[place_view(level, was_full=was_full) for level in seen.levels],
        failed=seen.failed,
        quarantined=seen.quarantined,
        dead_deliveries=seen.dead_deliveries,
    )


def place_view(level: Level, *, was_full: bool) -> PlaceView:
    """How full a place is as JSON; `was_full` where images are refused already."""
    low = PlaceState.LOW if level.is_low else PlaceState.OK
    return PlaceView(
        name=level.name,
        state=PlaceState.FULL if level.is_full(was_full=was_full) else low,
        total_bytes=level.total,
        left_bytes=max(level.left, 0),
        refuse_below_bytes=level.stop,
        accept_from_bytes=level.resume,
        warn_below_bytes=level.low,
    )


def failure_view(group: FailureGroup) -> FailureView:
    """What failed for one reason as JSON."""
    return FailureView(
        state=group.failure.state,
        pipeline=group.failure.pipeline,
        error_code=group.failure.error_code,
        jobs=group.jobs,
        newest_at=group.newest_at,
        examples=[
            FailedJob(
                id=job.id,
                study_id=job.study_id,
                attempts=job.attempts,
                error_detail=job.error_detail,
                finished_at=job.finished_at,
            )
            for job in group.examples
        ],
    )
