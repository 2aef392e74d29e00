"""What of a batch could not be read, each with its reason."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from pipelines.core.errors import BadCursor, NotFound
from services.api.deps import RowId, Technician, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, pack
from services.store import batches
from services.store.session import unit_of_work
from services.store.states import JobState

router = APIRouter(prefix="/batches", tags=["batches"])


class FailedView(BaseModel):
    """A subject that could not be read. `POST /jobs/{id}/retry` reads it again, and the batch takes the result."""

    id: str
    study_id: str
    job_id: str
    job_state: JobState = Field(description="`queued` or `running`: it is being read again.")
    code: str | None = Field(examples=["corrupt_pixels"])
    detail: str | None = Field(examples=["The pixel data does not decode."])
    finished_at: datetime | None


@router.get(
    "/{batch_id}/failures", summary="What of a batch could not be read", responses=problems(NotFound, BadCursor)
)
def failure_list(
    batch_id: RowId, actor: Technician, store: TheStore, limit: Limit = 50, cursor: Cursor = None
) -> Page[FailedView]:
    """In the order in which the batch found them; one that has been read since is left out."""
    with unit_of_work(store.database, writing=False) as session:
        batches.get_batch(session, batch_id)
        rows = batches.failed_items(session, batch_id, after_id(cursor), limit + 1)
        items = [
            FailedView(
                id=item.id,
                study_id=item.study_id,
                job_id=job.id,
                job_state=JobState(job.state),
                code=job.error_code or item.error_code,
                detail=job.error_detail,
                finished_at=item.finished_at,
            )
            for item, job in rows[:limit]
        ]
    return Page(items=items, next_cursor=pack(items[-1].id) if len(rows) > limit else None)
