"""What was refused at intake, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pipelines.core.errors import BadCursor
from services.api.deps import Technician, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, page_of
from services.store import lists
from services.store.session import unit_of_work
from services.store.tables import Rejection

router = APIRouter(prefix="/rejections", tags=["administration"])


class RejectionView(BaseModel):
    """A file that was refused; its name is not kept, for names may identify."""

    id: str
    actor: str
    source: str = Field(examples=["rest"])
    code: str = Field(examples=["truncated_header"])
    sentence: str
    bytes: int
    quarantined: bool = Field(description="Whether its bytes are still in the quarantine folder.")
    created_at: datetime


@router.get("", summary="Refused files, newest first", responses=problems(BadCursor))
def rejection_list(
    actor: Technician,
    store: TheStore,
    code: Annotated[str | None, Query(max_length=64, pattern=r"^\w+$", description="Only this code.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RejectionView]:
    """docs/intake.md says what each code means."""
    where = [Rejection.code == code] if code is not None else []
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.newest_first(session, Rejection, after_id(cursor), limit + 1, *where)
    return page_of(rows, limit, rejection_view)


def rejection_view(row: Rejection) -> RejectionView:
    """A refusal's row as JSON."""
    return RejectionView(
        id=row.id,
        actor=row.actor,
        source=row.source,
        code=row.code,
        sentence=row.sentence,
        bytes=row.bytes,
        quarantined=row.quarantined is not None,
        created_at=row.created_at,
    )
