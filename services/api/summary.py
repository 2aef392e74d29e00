"""The summary of a batch: as JSON, as CSV, or as one page."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from pipelines.core.change import ChangeKind
from pipelines.core.errors import NotFound, Withheld
from services.api.comparison import DifferenceView, GradingView, ShareView, VerdictsView
from services.api.deps import NotBlind, RowId, TheReports, TheStore
from services.api.errors import problems
from services.api.report import WRITING
from services.store.session import unit_of_work
from services.store.states import BatchState
from services.store.stores import Store
from services.work.summary import Summary, summary_of
from services.work.summary_table import as_csv
from services.work.told import ranked_for

router = APIRouter(prefix="/batches", tags=["batches"])


class Form(StrEnum):
    """How the summary is written."""

    JSON = "json"  #: a document
    CSV = "csv"  #: section, name, row, column, value
    PDF = "pdf"  #: one page


class ModelName(BaseModel):
    """The version that the batch reads with."""

    name: str = Field(examples=["fundus_dr_grading"])
    version: str = Field(examples=["1.1.0"])


class WindowView(BaseModel):
    """Local times between which it may read."""

    model_config = ConfigDict(populate_by_name=True)

    start: str = Field(alias="from", examples=["22:00"])
    to: str = Field(examples=["06:00"])
    zone: str = Field(examples=["Europe/Berlin"])


class GravestView(BaseModel):
    """One of the gravest changes."""

    study_id: str
    kind: ChangeKind
    weight: float
    headline: str = Field(examples=["DR grade 1 -> 2, now referable"])
    old_result_id: str | None
    new_result_id: str


class OldAndNew(BaseModel):
    """How often each answer says what readers signed."""

    old: VerdictsView
    new: VerdictsView


class SummaryView(BaseModel):
    """What a batch has brought, as it stood at `made_at`."""

    batch_id: str
    name: str
    pipeline: str
    state: BatchState
    model: ModelName
    window: WindowView | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    made_at: datetime
    duration_seconds: float
    an_hour: float | None = Field(description="Subjects an hour, from its start to its end or to now.")
    items: dict[str, int] = Field(
        description="Subjects in each state, and `total`.", examples=[{"total": 9, "done": 9}]
    )
    kinds: dict[ChangeKind, int] = Field(examples=[{"none": 7, "crossed": 2}])
    crossings: dict[Literal["up", "down"], int] = Field(examples=[{"up": 1, "down": 1}])
    agreement: ShareView = Field(description="Old and new say the same, within the error of what they measure.")
    failures: dict[Literal["failed", "skipped", "not_fetched"], dict[str, int]] = Field(description="By error code.")
    old_versions: dict[str, int] = Field(description="Which versions gave the old answers.", examples=[{"1.0.0": 9}])
    seconds_a_reading: float | None
    grades: dict[str, GradingView] = Field(description="Old against new grade of the patient.")
    measures: dict[str, DifferenceView] = Field(description="New minus old.")
    clinicians: OldAndNew
    largest: list[GravestView]


SUMMARY_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {  # Any: parts of an OpenAPI document
    200: {"content": {"text/csv": {"schema": {"type": "string"}}, "application/pdf": {"schema": {"type": "string"}}}}
}


@router.get(
    "/{batch_id}/summary",
    summary="The summary of a batch",
    responses=problems(NotFound, Withheld, *WRITING) | SUMMARY_RESPONSES,
    response_model=SummaryView,
)
async def summary(
    batch_id: RowId,
    actor: NotBlind,
    store: TheStore,
    reports: TheReports,
    format: Annotated[Form, Query(description="A JSON document, one figure a line, or a page to print.")] = Form.JSON,
    fresh: Annotated[
        bool, Query(description="As things stand now, e.g. with what readers signed since the batch ended.")
    ] = False,
) -> Response:
    """Counts, old against new, agreement with readers, failures by reason, the gravest changes; ids only."""
    found = await run_in_threadpool(_found, store, batch_id, actor.user_id, fresh)
    match format:
        case Form.CSV:
            return Response(as_csv(found), media_type="text/csv; charset=utf-8", headers=_named(batch_id, "csv"))
        case Form.PDF:
            content = await reports.file(lambda process: process.summary(found))
            return Response(content, media_type="application/pdf", headers=_named(batch_id, "pdf"))
        case Form.JSON:
            return JSONResponse(SummaryView.model_validate(found).model_dump(mode="json", by_alias=True))


def _found(store: Store, batch_id: str, person: str | None, fresh: bool) -> Summary:
    found = summary_of(store, batch_id, fresh=fresh)
    with unit_of_work(store.database, writing=False) as session:
        return found | {"largest": ranked_for(session, person, found["largest"], "new_result_id")}


def _named(batch_id: str, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="overread-batch-{batch_id}.{ending}"'}
