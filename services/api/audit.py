"""The audit: who did what to which ids."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from pipelines.core.errors import BadCursor
from services.api.deps import Admin, StudyFilter, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, page_of
from services.store import audit_search, lists
from services.store.actors import names_of
from services.store.session import unit_of_work
from services.store.tables import AuditRow
from services.work.told import traces_for

router = APIRouter(prefix="/audit", tags=["administration"])


class AuditView(BaseModel):
    """One row of the audit; rows are never changed, and a hash chain shows where one was."""

    id: str
    actor: str = Field(examples=["user:01JD8Q3Z5V7Y9XK2M4N6P8R0ST"])
    actor_name: str | None = Field(description="The name of that user or key; null for the system's own.")
    action: str = Field(examples=["study.opened"])
    study_id: str | None
    subjects: dict[str, str | int] = Field(description="Further ids and words.")
    link: int | None = Field(description="Its number in the hash chain; null while it waits for its seal.")
    created_at: datetime


class ChainView(BaseModel):
    """How far the hash chain is, and what one may search for."""

    at: datetime = Field(description="The moment, by the database's clock.")
    number: int = Field(description="Sealed rows: the number of the newest link.")
    hash: str = Field(description="The newest link; written down elsewhere, it proves later that nothing was cut off.")
    unsealed: int = Field(description="Rows that wait for their seal, a few seconds each.")
    unsealed_since: datetime | None
    actions: list[str] = Field(description="Every action that is in the audit.", examples=[["study.opened"]])


@router.get("", summary="The audit, newest first", responses=problems(BadCursor))
def audit_list(
    actor: Admin,
    store: TheStore,
    study: StudyFilter = None,
    by: Annotated[str | None, Query(max_length=64, pattern=r"^[\w:.-]+$", description="Only this actor.")] = None,
    action: Annotated[str | None, Query(max_length=64, pattern=r"^[\w.]+$", description="Only this action.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Only from this time on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Only before this time.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditView]:
    """`overread audit verify` walks the chain."""
    where = audit_search.between(since, until)
    if study is not None:
        where.append(AuditRow.study_id == study)
    if by is not None:
        where.append(AuditRow.actor == by)
    if action is not None:
        where.append(AuditRow.action == action)
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.newest_first(session, AuditRow, after_id(cursor), limit + 1, *where)
        links = audit_search.links_of(session, [row.id for row in rows])
        names = names_of(session, {row.actor for row in rows})
        told = {row.id for row in traces_for(session, actor.user_id, rows)}
    page = page_of(rows, limit, lambda row: audit_view(row, names.get(row.actor), links.get(row.id)))
    return Page(items=[one for one in page.items if one.id in told], next_cursor=page.next_cursor)


@router.get("/chain", summary="How far the audit's hash chain is", responses=problems())
def chain(actor: Admin, store: TheStore) -> ChainView:
    """Sealing is looked at, not proved: that is `overread audit verify`, which reads every row."""
    with unit_of_work(store.database, writing=False) as session:
        state = audit_search.chain_state(session)
        known = audit_search.actions(session)
    return ChainView(
        at=state.at,
        number=state.head.number,
        hash=state.head.hash,
        unsealed=state.unsealed,
        unsealed_since=state.unsealed_since,
        actions=known,
    )


def audit_view(row: AuditRow, actor_name: str | None, link: int | None) -> AuditView:
    """An audit row as JSON."""
    return AuditView(
        id=row.id,
        actor=row.actor,
        actor_name=actor_name,
        action=row.action,
        study_id=row.study_id,
        subjects=row.subjects,
        link=link,
        created_at=row.created_at,
    )
