"""A reader's views of the worklist: those that everybody has, those a reader keeps, and how much each holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy import select
from starlette.responses import Response

from pipelines.core.errors import Conflict, Forbidden, NotFound
from services.api.deps import Lister, RowId, Technician, TheStore, Word
from services.api.errors import problems
from services.api.filters import ME, OPEN, KeptFilters, ListFilters, stored_filters, tells
from services.api.pages import Page
from services.intake.access import Actor
from services.intake.idempotency import IdempotencyHeader, once
from services.store import audit, saved_views
from services.store.entries import known_names
from services.store.session import unit_of_work
from services.store.sites import site_ids
from services.store.states import ReviewState
from services.store.stores import Store
from services.store.tables import SavedView, Site
from services.store.worklist_counts import count_total

router = APIRouter(prefix="/views", tags=["studies"])

#: Counted no further than this: beyond it a reader wants to know that there is much.
MOST_COUNTED: Final = 1_000

#: Views that everybody has, in the order of the strip; their names are the dashboard's.
BUILT_IN: Final[Mapping[str, ListFilters]] = {
    "to_read": ListFilters(review_state=OPEN),
    "mine": ListFilters(review_state=OPEN, assignee=ME),
    "ungradable": ListFilters(review_state=OPEN, gradable=False),
    "abstained": ListFilters(review_state=OPEN, abstained=True),
    "changed": ListFilters(change="any"),
    "disagreements": ListFilters(disagreement="any"),
    "second_read": ListFilters(review_state=ReviewState.SECOND_READ),
    "adjudication": ListFilters(review_state=ReviewState.ADJUDICATION),
}


def _named(name: str) -> str:
    if not name.strip():
        raise ValueError("a view needs a name")
    return name.strip()


class NewView(BaseModel):
    """A view to be kept."""

    name: Annotated[Word, AfterValidator(_named)] = Field(examples=["urgent eyes"])
    filters: KeptFilters = Field(examples=[{"urgency": "urgent", "review_state": "open"}])


class View(BaseModel):
    """A view that a reader keeps."""

    id: str
    name: str
    filters: dict[str, str] = Field(
        description="Parameters of `GET /studies`.", examples=[{"urgency": "urgent", "review_state": "open"}]
    )


class ViewCount(BaseModel):
    """How much a view holds."""

    key: str = Field(
        description="The name of a view that everybody has, `pipeline:NAME`, `site:ID`, or the id of one's own.",
        examples=["to_read"],
    )
    filters: dict[str, str] = Field(description="Parameters of `GET /studies`.", examples=[{"review_state": "open"}])
    name: str | None = Field(description="Of a kept view or a site; the others are named by their key.")
    total: int = Field(examples=[12])
    capped: bool = Field(description=f"There are more than {MOST_COUNTED}.")


class ViewCounts(BaseModel):
    """All views of the reader."""

    views: list[ViewCount]


@router.get("", summary="The views I keep", responses=problems(Forbidden))
def view_list(actor: Technician, store: TheStore) -> Page[View]:
    """By name; at most 50, so there is one page."""
    with unit_of_work(store.database, writing=False) as session:
        return Page(items=[_view(row) for row in saved_views.views_of(session, _person(actor))])


@router.get("/counts", summary="How much every view holds", responses=problems())
def view_counts(actor: Lister, store: TheStore) -> ViewCounts:
    """Views that everybody has, one for each pipeline and, where there are several, for each site; then one's own.

    Who reads blind first has none that would tell what the machine says.
    """
    views = [view for view in _views(store, actor) if not (actor.blind_first and tells(view[1]))]
    return ViewCounts(views=[_counted(store, actor, *view) for view in views])


@router.post("", status_code=201, summary="Keep a view", response_model=View, responses=problems(Conflict))
def keep_view(
    body: NewView, request: Request, actor: Technician, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """For the reader alone; a name is given once."""

    def act() -> View:
        with unit_of_work(store.database) as session:
            row = saved_views.add_view(session, _person(actor), body.name, as_parameters(body.filters))
            audit.record(session, actor.id_string, "view.added", view=row.id)
            return _view(row)

    return once(store, actor, request, body, idempotency_key, act, status=201)


@router.put("/{view_id}", summary="Change a view", responses=problems(NotFound, Conflict))
def change_view(view_id: RowId, body: NewView, actor: Technician, store: TheStore) -> View:
    """Gives the reader's own view this name and these filters."""
    with unit_of_work(store.database) as session:
        row = saved_views.change_view(session, _person(actor), view_id, body.name, as_parameters(body.filters))
        audit.record(session, actor.id_string, "view.changed", view=view_id)
        return _view(row)


@router.delete("/{view_id}", status_code=204, summary="Forget a view", responses=problems(NotFound))
def forget_view(view_id: RowId, actor: Technician, store: TheStore) -> Response:
    """The studies in it stay as they are."""
    with unit_of_work(store.database) as session:
        saved_views.delete_view(session, _person(actor), view_id)
        audit.record(session, actor.id_string, "view.deleted", view=view_id)
    return Response(status_code=204)


def as_parameters(filters: ListFilters) -> dict[str, str]:
    """The filters that are set, as the address of the list writes them."""
    told = filters.model_dump(mode="json", exclude_none=True)
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in told.items()}


def _person(actor: Actor) -> str:
    if actor.user_id is None:
        raise Forbidden("this API key belongs to no person, and views are a person's", code="no_person")
    return actor.user_id


def _view(row: SavedView) -> View:
    return View(id=row.id, name=row.name, filters=row.filters)


def _views(store: Store, actor: Actor) -> list[tuple[str, ListFilters, str | None]]:
    """Key, filters and, where it is not the key's, the name of each view of this reader."""
    shown = [(key, filters, None) for key, filters in BUILT_IN.items() if key != "mine" or actor.user_id is not None]
    pipelines = known_names(store)
    with unit_of_work(store.database, writing=False) as session:
        sites = session.scalars(select(Site).order_by(Site.name)).all()
        several = sites if len(sites) > 1 else []
        kept = saved_views.views_of(session, actor.user_id) if actor.user_id else []
    return [
        *shown,
        *((f"pipeline:{name}", ListFilters(pipeline=name, review_state=OPEN), None) for name in sorted(pipelines)),
        *((f"site:{site.id}", ListFilters(site=site.id, review_state=OPEN), site.name) for site in several),
        *((row.id, ListFilters.model_validate(row.filters), row.name) for row in kept),
    ]


def _counted(store: Store, actor: Actor, key: str, filters: ListFilters, name: str | None) -> ViewCount:
    # A short transaction each: the counts of all views together are no moment of the list anyway.
    with unit_of_work(store.database, writing=False) as session:
        sites = [filters.site] if filters.site else site_ids(session)
        total, capped = count_total(session, sites, stored_filters(filters, actor), MOST_COUNTED)
    return ViewCount(key=key, filters=as_parameters(filters), name=name, total=total, capped=capped)
