"""Users: administration by those who may."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from pipelines.core.errors import BadCursor, Conflict, NotFound
from services.api.deps import Admin, RowId, TheStore, Word
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, page_of
from services.intake.idempotency import IdempotencyHeader, once
from services.store import audit, lists, users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import User
from services.work.blind import set_blind_first

router = APIRouter(prefix="/users", tags=["administration"])

Password = Annotated[str, StringConstraints(min_length=users.SHORTEST_PASSWORD, max_length=users.LONGEST_PASSWORD)]


class UserView(BaseModel):
    """A person who may log in."""

    id: str
    name: str
    role: Role
    blind_first: bool = Field(description="Reads before the machine's answer is shown.")
    disabled_at: datetime | None
    created_at: datetime


class NewUser(BaseModel):
    """A person to be let in."""

    name: Word = Field(examples=["reader"])
    password: Password = Field(examples=["correct horse battery"])
    role: Role


class UserChange(BaseModel):
    """What is to change; what is null stays."""

    role: Role | None = None
    password: Password | None = Field(
        default=None, examples=["correct horse battery"], description="A new one ends the user's sessions."
    )
    disabled: bool | None = Field(default=None, description="True locks the user out at once.")
    blind_first: bool | None = Field(default=None, description="True withholds the machine's answer until a word.")


@router.get("", summary="Users, newest first", responses=problems(BadCursor))
def user_list(actor: Admin, store: TheStore, limit: Limit = 50, cursor: Cursor = None) -> Page[UserView]:
    """Disabled ones too."""
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.newest_first(session, User, after_id(cursor), limit + 1)
    return page_of(rows, limit, user_view)


@router.post("", status_code=201, summary="Add a user", response_model=UserView, responses=problems(Conflict))
def add(
    body: NewUser, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """The password is kept as an argon2 hash only."""

    def act() -> UserView:
        with unit_of_work(store.database) as session:
            row = users.create_user(session, body.name, body.password, body.role)
            session.refresh(row)
            audit.record(session, actor.id_string, "user.added", user=row.id, role=row.role)
            return user_view(row)

    return once(store, actor, request, body, idempotency_key, act, status=201)


@router.patch("/{user_id}", summary="Change a user", responses=problems(NotFound, Conflict))
def change(user_id: RowId, body: UserChange, actor: Admin, store: TheStore) -> UserView:
    """Role, lock and blind reading work from the user's next request on."""
    removes = bool(body.disabled) or body.role not in {None, Role.ADMIN}
    if user_id == actor.user_id and removes:
        raise Conflict("an administrator cannot lock out or demote himself", code="own_account")
    with unit_of_work(store.database) as session:
        row = users.get_user(session, user_id)
        if removes:
            users.keep_an_admin(session, user_id)
        if body.role is not None:
            users.set_role(session, user_id, body.role)
        if body.password is not None:
            users.set_password(session, user_id, body.password)
        if body.disabled is not None:
            (users.disable_user if body.disabled else users.enable_user)(session, user_id)
        if body.blind_first is not None:
            set_blind_first(session, user_id, actor.id_string, blind_first=body.blind_first)
        audit.record(
            session, actor.id_string, "user.changed", user=user_id, what="+".join(sorted(body.model_fields_set))
        )
        session.flush()
        session.refresh(row)
        return user_view(row)


def user_view(row: User) -> UserView:
    """A user's row as JSON, without its hash."""
    return UserView(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        blind_first=row.blind_first,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
    )
