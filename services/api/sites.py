"""The sites that this deployment serves; a study belongs to the site of the key that sent it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import BadCursor, Conflict
from services.api.deps import Admin, Technician, TheStore, Word
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, page_of
from services.intake.idempotency import IdempotencyHeader, once
from services.store import audit, lists, sites
from services.store.session import unit_of_work
from services.store.tables import Site

router = APIRouter(prefix="/sites", tags=["administration"])


class NewSite(BaseModel):
    """A site to be served."""

    name: Word = Field(examples=["Eye clinic north"])


class SiteView(NewSite):
    """A site."""

    id: str


@router.get("", summary="Sites", responses=problems(BadCursor))
def site_list(actor: Technician, store: TheStore, limit: Limit = 50, cursor: Cursor = None) -> Page[SiteView]:
    """The first is the one that is there from the start."""
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.oldest_first(session, Site, after_id(cursor), limit + 1)
    return page_of(rows, limit, site_view)


@router.post("", status_code=201, summary="Add a site", response_model=SiteView, responses=problems(Conflict))
def add_site(
    body: NewSite, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """Keys that are made for it send their studies into it."""

    def act() -> SiteView:
        with unit_of_work(store.database) as session:
            row = sites.create_site(session, body.name)
            audit.record(session, actor.id_string, "site.added", site=row.id)
            return site_view(row)

    return once(store, actor, request, body, idempotency_key, act, status=201)


def site_view(row: Site) -> SiteView:
    """A site's row as JSON."""
    return SiteView(id=row.id, name=row.name)
