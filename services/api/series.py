"""Series as the viewer shows them in three dimensions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from pipelines.core.errors import BytesRemoved, CorruptPixels, NoPixelData, NotFound, UnsuitableInput, Withheld
from services.api.deps import RowId, TheLooker, TheStore
from services.api.errors import problems
from services.api.ranges import CACHING, names
from services.work.access import open_series
from services.work.volumes import Volumes

router = APIRouter(prefix="/series", tags=["images"])

MEDIA_TYPE = "application/gzip"  # RFC 6713; NIfTI has none of its own


@router.get(
    "/{series_id}/volume.nii.gz",
    summary="A series as one NIfTI volume",
    response_class=Response,
    responses=problems(NotFound, Withheld, BytesRemoved, NoPixelData, CorruptPixels, UnsuitableInput)
    | {
        200: {
            "description": "The volume; axes and place in RAS millimetres.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "What you hold is still right."},
    },
)
def volume(
    series_id: RowId,
    request: Request,
    looker: TheLooker,
    store: TheStore,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A series that makes no volume is refused with the reason and its numbers; opening one leaves a row in the audit.

    docs/volumes.md lists what is refused.
    """
    files = open_series(store, looker, series_id)
    etag = f'"{files.digest}"'
    headers = {"ETag": etag, "Cache-Control": CACHING}
    if names(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    volumes: Volumes = request.app.state.volumes
    return Response(volumes.volume(store.blobs, files), 200, headers, media_type=MEDIA_TYPE)
