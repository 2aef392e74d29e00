"""How many rows of the worklist pass a reader's filters, in all and by state."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pipelines.core.errors import WithheldFilter
from services.api.deps import Lister, TheStore
from services.api.errors import problems
from services.api.filters import ListFilters, stored_filters
from services.store.session import unit_of_work
from services.store.sites import site_ids
from services.store.worklist_counts import count_rows, settled_or_not

router = APIRouter(prefix="/studies", tags=["studies"])

#: A count of so many rows costs a page of so many; beyond it a reader wants to know that there is much.
MOST_COUNTED: Final = 10_000


class WorklistCounts(BaseModel):
    """How many rows pass; where they are capped, the parts are of the first rows in the list's order alone."""

    total: int = Field(examples=[128])
    capped: bool = Field(description=f"There are more than {MOST_COUNTED}.")
    review_state: dict[str, int] = Field(examples=[{"unread": 120, "drafted": 8}])
    urgency: dict[str, int] = Field(examples=[{"stat": 2, "routine": 126}])
    job_state: dict[str, int] = Field(examples=[{"succeeded": 128}])


@router.get("/counts", summary="How many rows of the worklist pass", responses=problems(WithheldFilter))
def counts(actor: Lister, store: TheStore, wanted: Annotated[ListFilters, Query()]) -> WorklistCounts:
    """The filters of `GET /studies`; counted up to 10,000, in the list's order.

    Who reads blind first is told what is settled and what is not, and no urgencies.
    """
    with unit_of_work(store.database, writing=False) as session:
        sites = [wanted.site] if wanted.site else site_ids(session)
        found = count_rows(session, sites, stored_filters(wanted, actor), MOST_COUNTED)
    if actor.blind_first:
        found = settled_or_not(found)
    return WorklistCounts(
        total=found.total,
        capped=found.capped,
        review_state=dict(found.review_states),
        urgency=dict(found.urgencies),
        job_state=dict(found.job_states),
    )
