"""Images as the viewer shows them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from pipelines.core.errors import BytesRemoved, CorruptPixels, NoPixelData, NotFound, UnsuitableInput, Withheld
from services.api.deps import RowId, TheLooker, TheStore
from services.api.errors import problems
from services.api.ranges import CACHING, names
from services.work.access import open_instance
from services.work.render import Pictures

router = APIRouter(prefix="/instances", tags=["images"])

NARROWEST: Final = 16
WIDEST: Final = 8192
USUAL_WIDTH: Final = 1024


@router.get(
    "/{instance_id}/rendered",
    summary="An image as JPEG",
    response_class=Response,
    responses=problems(NotFound, Withheld, BytesRemoved, NoPixelData, CorruptPixels, UnsuitableInput)
    | {
        200: {"description": "The picture.", "content": {"image/jpeg": {"schema": {"type": "string"}}}},
        304: {"description": "What you hold is still right."},
    },
)
def rendered(
    instance_id: RowId,
    request: Request,
    looker: TheLooker,
    store: TheStore,
    width: Annotated[int, Query(ge=NARROWEST, le=WIDEST, description="Pixels at most; never enlarged.")] = USUAL_WIDTH,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Decoded in a memory-limited process of its own; opening an image leaves a row in the audit."""
    row = open_instance(store, looker, instance_id)
    etag = f'"{row.blob_sha256}-{width}"'
    headers = {"ETag": etag, "Cache-Control": CACHING}
    if names(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    pictures: Pictures = request.app.state.pictures
    return Response(pictures.picture(store.blobs, row.blob_sha256, width), 200, headers, media_type="image/jpeg")
