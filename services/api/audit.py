"""The audit: who did what to which ids."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement

from pipelines.core.errors import BadCursor
from services.api.deps import Admin, StudyFilter, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, page_of
from services.store import lists
from services.store.session import unit_of_work
from services.store.tables import AuditRow

router = APIRouter(prefix="/audit", tags=["administration"])


class AuditView(BaseModel):
    """One row of the audit; rows are never changed, and a hash chain shows where one was."""

    id: str
    actor: str = Field(examples=["user:01JD8Q3Z5V7Y9XK2M4N6P8R0ST"])
    action: str = Field(examples=["study.opened"])
    study_id: str | None
    subjects: dict[str, str | int] = Field(description="Further ids and words.")
    created_at: datetime


@router.get("", summary="The audit, newest first", responses=problems(BadCursor))
def audit_list(
    actor: Admin,
    store: TheStore,
    study: StudyFilter = None,
    by: Annotated[str | None, Query(max_length=64, pattern=r"^[\w:.-]+$", description="Only this actor.")] = None,
    action: Annotated[str | None, Query(max_length=64, pattern=r"^[\w.]+$", description="Only this action.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditView]:
    """`overread audit verify` walks the chain."""
    where: list[ColumnElement[bool]] = []
    if study is not None:
        where.append(AuditRow.study_id == study)
    if by is not None:
        where.append(AuditRow.actor == by)
    if action is not None:
        where.append(AuditRow.action == action)
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.newest_first(session, AuditRow, after_id(cursor), limit + 1, *where)
    return page_of(rows, limit, audit_view)


def audit_view(row: AuditRow) -> AuditView:
    """An audit row as JSON."""
    return AuditView(
        id=row.id,
        actor=row.actor,
        action=row.action,
        study_id=row.study_id,
        subjects=row.subjects,
        created_at=row.created_at,
    )
