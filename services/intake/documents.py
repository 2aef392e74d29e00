"""The shapes of intake's answers, for OpenAPI and for clients made from it."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field

from pipelines.core.errors import (
    BodyTooLarge,
    BytesGone,
    DatabaseUnavailable,
    Forbidden,
    KeyReused,
    NotAuthenticated,
    NotFound,
    OverreadError,
    RequestStalled,
    StillRunning,
    StorageFull,
    UnsupportedMedia,
)
from services.intake.asked import MOST_IMAGES
from services.store.states import StudyState
from services.work.outcomes import FileStatus

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"  # RFC 9457
_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}


class FileReceived(BaseModel):
    """What became of one file."""

    name: str = Field(description="The name you sent it under; archive members as `archive/member`.")
    status: FileStatus
    code: str | None = Field(description="Stable word for what was odd or wrong; docs/intake.md lists them.")
    detail: str | None = Field(description="The same in a sentence.")
    sop_instance_uid: str | None = Field(examples=["2.25.199"])


class StudyReceived(BaseModel):
    """A study that files of this request belong to."""

    id: str = Field(examples=["01JD8Q3Z5V7Y9XK2M4N6P8R0ST"])
    study_instance_uid: str = Field(examples=["2.25.42"])
    state: StudyState
    jobs: list[str] = Field(description="Ids of the newest job of each pipeline that reads it.")
    incomplete: str | None = Field(
        default=None, description="What is missing of it, where that is known.", examples=["118 of 120 images came"]
    )


class Completing(BaseModel):
    """What a sender knows when it closes a study."""

    expected: int | None = Field(
        default=None, ge=1, le=MOST_IMAGES, description="Images that the study holds in all.", examples=[120]
    )


class Submitted(BaseModel):
    """The answer for a whole request: each file in order, and the studies."""

    received: list[FileReceived]
    studies: list[StudyReceived]


class NotSubmitted(Submitted):
    """A problem document (RFC 9457) that also says what was kept before the request ended."""

    type: str = Field(examples=["urn:overread:problem:laterality_required"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["laterality_required"])


def _problem(*kinds: type[OverreadError]) -> dict[str, Any]:
    # Any: OpenAPI's JSON
    said = " ".join(f"`{kind.code}`: {kind('').title}" for kind in kinds)
    return {"description": said, "content": {PROBLEM_MEDIA_TYPE: {"schema": _PROBLEM}}}


_OPEN: Final[dict[int | str, dict[str, Any]]] = {
    401: _problem(NotAuthenticated),
    403: _problem(Forbidden),
    503: _problem(DatabaseUnavailable),
}
SUBMIT_RESPONSES: Final[dict[int | str, dict[str, Any]]] = _OPEN | {
    408: {"description": f"`request_stalled`: {RequestStalled('').title}", "model": NotSubmitted},
    409: _problem(StillRunning),
    413: {"description": f"`body_too_large`: {BodyTooLarge('').title}", "model": NotSubmitted},
    415: {"description": f"`unsupported_media_type`: {UnsupportedMedia('').title}", "model": NotSubmitted},
    422: {"description": "No file could be kept, or a parameter is not as described.", "model": NotSubmitted},
    # Before the body comes a plain problem document, later one that says what was kept.
    503: _problem(DatabaseUnavailable, BytesGone) | {"model": NotSubmitted},
    507: {"description": f"`storage_full`: {StorageFull('').title}", "model": NotSubmitted},
}
COMPLETE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = _OPEN | {
    404: _problem(NotFound),
    409: _problem(StillRunning),
    422: _problem(KeyReused),
}
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
SUBMIT_FIELDS: Final = ("priority", "pipeline", "complete", "patient_id", "study_uid", "laterality", "acquired")
SUBMIT_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        **{name: {"type": "string"} for name in SUBMIT_FIELDS},
                    },
                }
            },
            "application/dicom": _BINARY,
            "application/zip": _BINARY,
            "application/gzip": _BINARY,
            "application/x-tar": _BINARY,
        },
    }
}
