"""The report of a study, one page for the patient's file: as JSON, as PDF and as a DICOM SR."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pipelines.core.errors import (
    BadRequest,
    NotFound,
    OverreadError,
    ReportNotMade,
    ReportsBusy,
    ReportTimeout,
    ReportTooLarge,
    UnsuitableInput,
    Withheld,
)
from pipelines.core.report import Part, Report
from services.api.deps import RowId, TheLooker, TheReports, TheSettings, TheStore
from services.api.drawing import STUDY_DRAWN
from services.api.errors import problems
from services.work.render import Pictures
from services.work.report import report_of
from services.work.report_object import headers_of
from services.work.report_pictures import fetched

router = APIRouter(prefix="/studies", tags=["studies"])

#: What a route may raise that has a file written.
WRITING: Final[tuple[type[OverreadError], ...]] = (ReportNotMade, ReportTimeout, ReportTooLarge, ReportsBusy)

#: The longest name in the IANA database has 32 characters.
LONGEST_ZONE: Final = 64
Zone = Annotated[
    str,
    Query(max_length=LONGEST_ZONE, description="IANA name of the zone its times are written in.", examples=["UTC"]),
]


class LineView(BaseModel):
    """One statement."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["The machine's answer"])
    text: str = Field(examples=["Right eye: grade 2, moderate non-proliferative retinopathy (81%)."])
    chief: bool = Field(description="Whether it says what counts.")
    caution: bool = Field(description="Whether it says that the machine's answer needs more care.")


class KeyPictureView(BaseModel):
    """A key picture."""

    model_config = ConfigDict(from_attributes=True)

    caption: str = Field(examples=["Right eye, with heat-map"])
    address: str = Field(description="Its path under /api/v1.", examples=["/results/01JD8Q…/artifacts/R-1-overlay.png"])


class SectionView(BaseModel):
    """A heading with its lines and pictures."""

    model_config = ConfigDict(from_attributes=True)

    part: Part
    heading: str = Field(examples=["Diabetic retinopathy"])
    lines: list[LineView]
    pictures: list[KeyPictureView]


class SignatureView(BaseModel):
    """Whose word counts."""

    model_config = ConfigDict(from_attributes=True)

    reader: str
    signed_at: datetime


class ReportView(BaseModel):
    """The page: the screen, the PDF and the SR say the same words in the same order."""

    model_config = ConfigDict(from_attributes=True)

    study_id: str
    title: str = Field(examples=["Imaging report"])
    identity: str = Field(
        description="Whose page it is, for the foot of each sheet of paper.",
        examples=["Patient id P-17; Name Doe, Jane; Born 1970-01-02; Taken 2026-11-01"],
    )
    mark: str = Field(description="What stands over the page.", examples=["DRAFT - not signed"])
    as_of: datetime = Field(description="When the newest of what it tells was said.")
    sections: list[SectionView]
    signatures: list[SignatureView] = Field(description="Empty unless every question of the study is decided.")


@router.get(
    "/{study_id}/report",
    summary="The report of a study",
    dependencies=[STUDY_DRAWN],
    responses=problems(NotFound, Withheld, BadRequest),
)
def report(
    study_id: RowId, looker: TheLooker, store: TheStore, settings: TheSettings, zone: Zone = "UTC"
) -> ReportView:
    """Refused while one of the study's questions is withheld from you; opening it leaves a row in the audit."""
    return ReportView.model_validate(report_of(store, looker, study_id, zone, settings.undo_grace_seconds))


@router.get(
    "/{study_id}/report.pdf",
    summary="The report as A4 pages",
    response_class=Response,
    dependencies=[STUDY_DRAWN],
    responses=problems(NotFound, Withheld, BadRequest, *WRITING)
    | {200: {"description": "The pages.", "content": {"application/pdf": {"schema": {"type": "string"}}}}},
)
async def page(
    study_id: RowId,
    request: Request,
    looker: TheLooker,
    store: TheStore,
    settings: TheSettings,
    reports: TheReports,
    zone: Zone = "UTC",
) -> Response:
    """With its key pictures; each page names the patient and says which of how many it is.

    Its fonts are inside it. Where they lack a letter a box stands for it, and the foot of the page says so.
    """
    made = await run_in_threadpool(report_of, store, looker, study_id, zone, settings.undo_grace_seconds)
    pictures: Pictures = request.app.state.pictures
    content = await reports.file(lambda process: process.pdf(made, fetched(made, pictures, store.blobs)))
    return _file(content, "application/pdf", made, "pdf")


@router.get(
    "/{study_id}/report.dcm",
    summary="The report as a DICOM SR",
    response_class=Response,
    responses=problems(NotFound, Withheld, BadRequest, UnsuitableInput, *WRITING)
    | {200: {"description": "The object.", "content": {"application/dicom": {"schema": {"type": "string"}}}}},
)
async def structured(
    study_id: RowId,
    looker: TheLooker,
    store: TheStore,
    settings: TheSettings,
    reports: TheReports,
    zone: Zone = "UTC",
) -> Response:
    """A Comprehensive SR after TID 2000; verified only where readers answer for the page."""
    made = await run_in_threadpool(report_of, store, looker, study_id, zone, settings.undo_grace_seconds)
    content = await reports.file(lambda process: process.sr(made, headers_of(store, study_id)))
    return _file(content, "application/dicom", made, "dcm")


def _file(content: bytes, media_type: str, made: Report, ending: str) -> Response:
    name = f"overread-report-{made.study_id}.{ending}"
    # What it says changes with the next signature.
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type=media_type)
