"""Server-sent events: what changes, as it changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from services.api.deps import Technician
from services.api.errors import problems
from services.api.feed import Feed

router = APIRouter(tags=["events"])


@router.get(
    "/events",
    summary="Changes as server-sent events",
    response_class=StreamingResponse,
    responses=problems()
    | {
        200: {
            "description": "`event`: study, job, result, review, model, batch, alarm; `data`: ids and states as JSON.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: 42\nevent: job\ndata: {"study":"01JD8Q…","job":"01JD8R…","state":"running"}\n\n',
                }
            },
        }
    },
)
async def events(
    request: Request,
    actor: Technician,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=2**62, description="Go on after this event; without it, from now on.")
    ] = None,
) -> StreamingResponse:
    """The stream ends after ten minutes and a browser comes again by itself, with its `Last-Event-ID`."""
    feed: Feed = request.app.state.feed
    return StreamingResponse(feed.stream(last_event_id, actor.user_id), media_type="text/event-stream")
