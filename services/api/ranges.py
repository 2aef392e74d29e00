"""Stored bytes as an answer: ETag, conditions and single byte ranges, read in pieces. Source: RFC 9110, 13 and 14."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from pipelines.core.errors import RangeNotSatisfiable
from services.intake.documents import PROBLEM_MEDIA_TYPE
from services.store.blobs import Blobs

PIECE_BYTES: Final = 256 * 1024
#: One range; of several, or of other units, the whole is sent, as RFC 9110 section 14.2 allows.
ONE_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
#: What a browser may show in the page's own origin without running anything. SVG and HTML may not.
SHOWN_INLINE: Final = frozenset({"image/png", "image/jpeg", "application/json"})
CACHING: Final = "private, no-cache"  # kept by the browser, but asked about each time: access stays audited

BYTES_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {  # Any: OpenAPI's JSON
    200: {
        "description": "The bytes.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"ETag": {"schema": {"type": "string"}}, "Accept-Ranges": {"schema": {"type": "string"}}},
    },
    206: {"description": "The range of bytes that was asked for."},
    304: {"description": "What you hold is still right."},
    416: {
        "description": "`range_not_satisfiable`: The range begins behind the end.",
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}


class Precondition(BaseModel):
    """The request headers that decide which bytes are sent."""

    if_none_match: str | None = None
    if_range: str | None = None
    range: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `stop`, the latter left out."""

    start: int
    stop: int


def blob_response(blobs: Blobs, sha256: str, size: int, media_type: str, name: str, wanted: Precondition) -> Response:
    """The blob's bytes, or the part asked for, or 304; raises RangeNotSatisfiable and NotFound before any byte."""
    etag = f'"{sha256}"'
    disposition = "inline" if media_type in SHOWN_INLINE else "attachment"
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHING,
        # RFC 6266: a plain name for old programs, the exact one for the rest.
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
    }
    if names(wanted.if_none_match, etag):
        return Response(status_code=304, headers=headers)
    span = _span(wanted, etag, size)
    part = span or Span(0, size)
    headers["Content-Length"] = str(part.stop - part.start)
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    pieces = _pieces(blobs, sha256, part)
    return StreamingResponse(pieces, 206 if span else 200, headers, media_type=media_type)


def names(condition: str | None, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in (condition or "").split(",")}
    return etag in tags or "*" in tags


def _span(wanted: Precondition, etag: str, size: int) -> Span | None:
    found = ONE_RANGE.fullmatch((wanted.range or "").replace(" ", ""))
    if found is None or (wanted.if_range is not None and wanted.if_range != etag):
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size or (not first and int(last) == 0):
        raise RangeNotSatisfiable(f"there are {size} bytes")
    return Span(start, stop) if start < stop else None


def _pieces(blobs: Blobs, sha256: str, part: Span) -> Iterator[bytes]:
    file = blobs.open(sha256)  # here, not in the generator: a missing blob must be a 404, not a broken answer
    return _read(file, part)


def _read(file: BinaryIO, part: Span) -> Iterator[bytes]:
    with file:
        file.seek(part.start)
        left = part.stop - part.start
        while left > 0:
            piece = file.read(min(PIECE_BYTES, left))
            if not piece:
                return  # shorter than its row says: the length already sent lets the reader notice
            left -= len(piece)
            yield piece
