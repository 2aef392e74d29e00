"""Who reads what: readings are assigned to those who may sign."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import BadCursor, BadRequest, NotFound
from services.api.deps import Clinician, Technician, TheStore
from services.api.errors import problems
from services.api.filters import ME, FilterId
from services.api.pages import Cursor, Limit, Page, after_id, page_of
from services.intake.access import Actor
from services.intake.idempotency import IdempotencyHeader, once
from services.store import lists
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import User
from services.work.assign import READERS, Assigning, assign

router = APIRouter(tags=["studies"])

#: What a reader marks in the list at once.
MOST_ROWS: Final = 500


class ColleagueView(BaseModel):
    """A person who may read and sign."""

    id: str
    name: str = Field(examples=["reader"])
    role: Role


class NewAssignments(BaseModel):
    """Readings to be given to a reader."""

    row_ids: list[FilterId] = Field(
        min_length=1,
        max_length=MOST_ROWS,
        description="`row_id` of lines of the worklist.",
        examples=[["01JD8QK2M3N4P5Q6R7S8T9V0WX"]],
    )
    user_id: Literal["me"] | FilterId | None = Field(
        description="A reader's id or `me`; null gives the readings back.", examples=["me"]
    )
    take_over: bool = Field(default=False, description="True takes also what another reader holds.")


class RefusedRow(BaseModel):
    """A line that stays as it is."""

    row_id: str
    code: str = Field(examples=["assigned_to_another"])
    detail: str = Field(examples=["another reader has taken this reading"])


class Assignments(BaseModel):
    """What became of each line."""

    assigned: list[str] = Field(description="Now the reader's, as asked.")
    not_found: list[str] = Field(description="They have left the list.")
    conflicts: list[RefusedRow] = Field(description="Signed, another reader's, or nothing to read.")


@router.get("/readers", summary="Who may read and sign", responses=problems(BadCursor))
def reader_list(actor: Technician, store: TheStore, limit: Limit = 50, cursor: Cursor = None) -> Page[ColleagueView]:
    """Clinicians and administrators who may log in, those first who came first."""
    readers = (User.role.in_(sorted(READERS)), User.disabled_at.is_(None))
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.oldest_first(session, User, after_id(cursor), limit + 1, *readers)
    return page_of(rows, limit, lambda row: ColleagueView(id=row.id, name=row.name, role=Role(row.role)))


@router.post("/assignments", summary="Assign readings", response_model=Assignments, responses=problems(NotFound))
def assign_rows(
    body: NewAssignments, request: Request, actor: Clinician, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """Each line by itself: one that cannot be given never sinks the others. Each leaves a row in the audit."""

    def act() -> Assignments:
        done = assign(store, Assigning(actor.id_string, _reader(body, actor), body.take_over), body.row_ids)
        lost = [one.row_id for one in done.refused if one.code == NotFound.code]
        conflicts = [
            RefusedRow(row_id=one.row_id, code=one.code, detail=one.detail)
            for one in done.refused
            if one.code != NotFound.code
        ]
        return Assignments(assigned=list(done.assigned), not_found=lost, conflicts=conflicts)

    return once(store, actor, request, body, idempotency_key, act)


def _reader(body: NewAssignments, actor: Actor) -> str | None:
    if body.user_id != ME:
        return body.user_id
    if actor.user_id is None:
        raise BadRequest("this API key belongs to no person, so nothing can be assigned to it", code="no_person")
    return actor.user_id
