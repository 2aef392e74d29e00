"""API keys: made once, shown once, revoked for good."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import BadCursor, NotFound
from services.api.deps import Admin, RowId, TheStore, Word
from services.api.errors import problems
from services.api.filters import FilterId
from services.api.pages import Cursor, Limit, Page, after_id, page_of
from services.intake.idempotency import IdempotencyHeader, once
from services.store import audit, lists, users
from services.store.session import unit_of_work
from services.store.sites import get_site
from services.store.states import Role
from services.store.tables import ApiKey

router = APIRouter(prefix="/keys", tags=["administration"])


class KeyView(BaseModel):
    """An API key without its secret."""

    id: str
    name: str
    role: Role
    site_id: str | None = Field(description="The site its studies belong to; null: the default one.")
    created_by: str = Field(description="`user:<id>`: it acts for that person; else it cannot sign.")
    created_at: datetime
    revoked_at: datetime | None


class NewKey(BaseModel):
    """A key to be made."""

    name: Word = Field(examples=["camera room 2"])
    role: Role
    site_id: FilterId | None = Field(default=None, description="The site its studies belong to; null: the default one.")


class ShownKey(KeyView):
    """A key that was just made: the only time that its secret is shown."""

    key: str | None = Field(description="The secret; null when a repeated request is answered.", examples=["ovr_…"])


@router.get("", summary="API keys, newest first", responses=problems(BadCursor))
def key_list(actor: Admin, store: TheStore, limit: Limit = 50, cursor: Cursor = None) -> Page[KeyView]:
    """Revoked ones too."""
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.newest_first(session, ApiKey, after_id(cursor), limit + 1)
    return page_of(rows, limit, key_view)


@router.post("", status_code=201, summary="Make an API key", response_model=ShownKey, responses=problems(NotFound))
def make(
    body: NewKey, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """The key acts for the person who makes it. Only its hash is kept: note the secret now."""
    maker = f"user:{actor.user_id}" if actor.user_id else actor.id_string

    def act() -> ShownKey:
        with unit_of_work(store.database) as session:
            if body.site_id is not None:
                get_site(session, body.site_id)
            made = users.create_key(session, body.name, body.role, maker, body.site_id)
            audit.record(session, actor.id_string, "key.added", key=made.id, role=body.role)
            row = session.get_one(ApiKey, made.id)
            session.refresh(row)
            return ShownKey(**key_view(row).model_dump(), key=made.key)

    return once(store, actor, request, body, idempotency_key, act, status=201, withheld=frozenset({"key"}))


@router.delete("/{key_id}", status_code=204, summary="Revoke an API key", responses=problems(NotFound))
def revoke(key_id: RowId, actor: Admin, store: TheStore) -> Response:
    """From the next request on; revoking twice is harmless."""
    with unit_of_work(store.database) as session:
        users.revoke_key(session, key_id)
        audit.record(session, actor.id_string, "key.revoked", key=key_id)
    return Response(status_code=204)


def key_view(row: ApiKey) -> KeyView:
    """A key's row as JSON, without its hash."""
    return KeyView(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        site_id=row.site_id,
        created_by=row.created_by,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
