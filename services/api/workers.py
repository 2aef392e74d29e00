"""Workers: who is there, where models run, and what each does now."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.api.deps import Technician, TheSettings, TheStore
from services.api.errors import problems
from services.api.pages import Page
from services.store import workers
from services.store.session import unit_of_work
from services.store.workers import Presence, WorkerState

router = APIRouter(prefix="/workers", tags=["jobs"])


class WorkerView(BaseModel):
    """A worker of the last day."""

    name: str = Field(examples=["reading-room-2-worker-1"])
    host: str = Field(examples=["reading-room-2"])
    pid: int
    queues: list[str] = Field(description="The queues it serves.", examples=[["retinopathy"]])
    device: str | None = Field(
        description="Host and device that its models run on.", examples=["reading-room-2/cuda:0"]
    )
    version: str = Field(description="Of the program.", examples=["0.1.0"])
    presence: Presence = Field(description="here; lost: silent without a goodbye; left: it ended as it should.")
    started_at: datetime
    seen_at: datetime = Field(description="When it last said that it is there.")
    silent_seconds: float
    left_at: datetime | None
    jobs: int = Field(description="Jobs that it holds now; several are one chunk of a batch.")
    job_id: str | None = Field(description="The first of them.")
    pipeline: str | None
    step: str | None
    busy_since: datetime | None


@router.get("", summary="Workers by name", responses=problems())
def worker_list(actor: Technician, store: TheStore, settings: TheSettings) -> Page[WorkerView]:
    """Those that were there within the last day, on one page; each says so itself every few seconds."""
    with unit_of_work(store.database, writing=False) as session:
        states = workers.worker_states(session, settings.worker_presence_seconds)
    return Page(items=[worker_view(state) for state in states])


def worker_view(state: WorkerState) -> WorkerView:
    """A worker's state as JSON."""
    row = state.row
    return WorkerView(
        name=row.name,
        host=row.host,
        pid=row.pid,
        queues=row.queues,
        device=row.device,
        version=row.version,
        presence=state.presence,
        started_at=row.started_at,
        seen_at=row.seen_at,
        silent_seconds=state.silent_seconds,
        left_at=row.left_at,
        jobs=state.jobs,
        job_id=state.job_id,
        pipeline=state.pipeline,
        step=state.step,
        busy_since=state.busy_since,
    )
