"""Outlines as readers corrected them: sent, listed, and read back; the model's own stays an artifact of its result."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import (
    BadMask,
    BodyTooLarge,
    BytesRemoved,
    Conflict,
    NotAnImage,
    NotFound,
    ReviewConflict,
    StorageFull,
    UnsupportedMedia,
    Withheld,
)
from pipelines.core.types import Laterality
from services.api.deps import Clinician, Person, RowId, TheLooker, TheSettings, TheStore
from services.api.errors import problems
from services.api.pages import Page
from services.api.ranges import BYTES_RESPONSES, Precondition, blob_response
from services.api.views import ReaderView
from services.intake.idempotency import IdempotencyHeader, once
from services.settings import MEBIBYTE
from services.store.masks import ReadersMask
from services.work.masks import MEDIA_TYPE, Drawn, open_mask, open_masks, save_mask

router = APIRouter(tags=["masks"])

#: A label map compresses a hundredfold: a head at 0.5 mm with both hippocampi is 0.1 MiB.
MAX_MASK_BYTES: Final = 16 * MEBIBYTE
FILE_NAME: Final = "outline.nii.gz"


class MaskVolumeView(BaseModel):
    """The volume of one structure in the outline, counted on the grid of the images."""

    label: str = Field(description="The finding that it is the value of.", examples=["anterior"])
    laterality: Laterality | None
    value: float = Field(description="In millilitres.", examples=[1.62])
    voxels: int


class MaskView(BaseModel):
    """An outline that a reader corrected."""

    id: str
    result_id: str
    number: int = Field(description="Counted within the question that the result answers, from 1.")
    base_mask_id: str | None = Field(description="The outline it was drawn on top of; null: the model's own.")
    user: ReaderView
    volumes: list[MaskVolumeView]
    bytes: int
    sha256: str
    created_at: datetime


class _Sent(BaseModel):
    """What makes two requests the same one."""

    sha256: str
    base_mask_id: str | None


async def _gzip(request: Request, actor: Clinician) -> bytes:
    # The actor first: nobody's body is read before they are known.
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != MEDIA_TYPE:
        raise UnsupportedMedia("an outline is sent as application/gzip: a compressed NIfTI label map")
    return await request.body()


_BODY: Final[dict[str, Any]] = {  # Any: OpenAPI's JSON
    "requestBody": {
        "required": True,
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}
BaseMask = Annotated[
    str | None,
    Query(
        max_length=26,
        pattern=r"^[0-9A-Z]+$",
        description="The newest outline of the result you have seen; absent where there was none.",
    ),
]


@router.post(
    "/results/{result_id}/masks",
    status_code=201,
    summary="Save a corrected outline",
    response_model=MaskView,
    openapi_extra=_BODY,
    responses=problems(
        NotFound,
        Withheld,
        BytesRemoved,
        Conflict,
        ReviewConflict,
        BadMask,
        NotAnImage,
        UnsupportedMedia,
        BodyTooLarge,
        StorageFull,
    ),
)
def save(
    result_id: RowId,
    actor: Clinician,
    person: Person,
    content: Annotated[bytes, Depends(_gzip)],
    request: Request,
    store: TheStore,
    settings: TheSettings,
    base_mask_id: BaseMask = None,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """A NIfTI label map on the grid of the result's own outline, with its labels alone; at most 16 MiB.

    Nothing counts by it yet: a review with the verdict `edit` and this `mask_id` makes it the reader's word.
    """
    drawn = Drawn(content, base_mask_id)

    def write() -> MaskView:
        decoder = request.app.state.decoder
        return mask_view(save_mask(store, settings, decoder, actor.id_string, person, result_id, drawn))

    sent = _Sent(sha256=hashlib.sha256(content).hexdigest(), base_mask_id=base_mask_id)
    return once(store, actor, request, sent, idempotency_key, write, status=201)


@router.get(
    "/results/{result_id}/masks",
    summary="The outlines readers drew, oldest first",
    responses=problems(NotFound, Withheld),
)
def drawn_on(result_id: RowId, looker: TheLooker, store: TheStore) -> Page[MaskView]:
    """Those drawn on this result; the model's own is its artifact `segmentation.nii.gz`."""
    drawn = open_masks(store, looker, result_id)
    return Page(items=[mask_view(one) for one in drawn])


@router.get(
    "/masks/{mask_id}/content",
    summary="An outline's bytes",
    response_class=Response,
    responses=problems(NotFound, BytesRemoved, Withheld) | BYTES_RESPONSES,
)
def content(
    mask_id: RowId,
    looker: TheLooker,
    store: TheStore,
    wanted: Annotated[Precondition, Header()],
) -> Response:
    """The NIfTI label map as it was saved; opening it leaves a row in the audit."""
    row = open_mask(store, looker, mask_id)
    return blob_response(store.blobs, row.blob_sha256, row.bytes, row.media_type, FILE_NAME, wanted)


def mask_view(drawn: ReadersMask) -> MaskView:
    """An outline's row as JSON."""
    row = drawn.mask
    return MaskView(
        id=row.id,
        result_id=row.result_id,
        number=row.number,
        base_mask_id=row.base_mask_id,
        user=ReaderView(id=row.user_id, name=drawn.reader),
        volumes=[MaskVolumeView.model_validate(one) for one in row.volumes],
        bytes=row.bytes,
        sha256=row.blob_sha256,
        created_at=row.created_at,
    )
