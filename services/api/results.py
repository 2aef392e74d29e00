"""Results as the contract's JSON, and the bytes of their artifacts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path
from starlette.responses import Response

from pipelines.core.errors import BytesRemoved, NotFound, Withheld
from services.api.deps import RowId, TheLooker, TheStore
from services.api.drawing import RESULT_DRAWN
from services.api.errors import problems
from services.api.ranges import BYTES_RESPONSES, Precondition, blob_response
from services.api.result_examples import RESULT_EXAMPLES
from services.api.views import ResultView
from services.work.access import ShownResult, open_artifact, open_result
from services.work.drawn import without_maps

router = APIRouter(prefix="/results", tags=["results"])


@router.get(
    "/{result_id}",
    summary="A result with findings, explanation and receipt",
    dependencies=[RESULT_DRAWN],
    responses=problems(NotFound, Withheld) | {200: {"content": {"application/json": {"examples": RESULT_EXAMPLES}}}},
)
def result(result_id: RowId, looker: TheLooker, store: TheStore) -> ResultView:
    """Opening a result leaves a row in the audit."""
    return result_view(open_result(store, looker, result_id))


@router.get(
    "/{result_id}/artifacts/{name}",
    summary="The bytes of an artifact",
    response_class=Response,
    dependencies=[RESULT_DRAWN],
    responses=problems(NotFound, BytesRemoved, Withheld) | BYTES_RESPONSES,
)
def artifact(
    result_id: RowId,
    name: Annotated[str, Path(max_length=200, pattern=r"^[^\x00/]+$", examples=["L-1-overlay.png"])],
    looker: TheLooker,
    store: TheStore,
    wanted: Annotated[Precondition, Header()],
) -> Response:
    """With an ETag (the content's sha256) and byte ranges; opening it leaves a row in the audit."""
    row = open_artifact(store, looker, result_id, name)
    return blob_response(store.blobs, row.blob_sha256, row.bytes, row.media_type, row.name, wanted)


def result_view(shown: ShownResult) -> ResultView:
    """The stored document with what changes later: ids and whether it is the answer now."""
    row = shown.result
    later: dict[str, Any] = {  # Any: JSON
        "id": row.id,
        "study_id": row.study_id,
        "slot_id": row.slot_id,
        "job_id": row.job_id,
        "role": row.role,
        "current": shown.current,
        "proposed": shown.proposed,
        "created_at": row.created_at,
        "artifacts": [
            {
                "name": artifact.name,
                "kind": artifact.kind,
                "media_type": artifact.media_type,
                "bytes": artifact.bytes,
                "sha256": artifact.blob_sha256,
            }
            for artifact in shown.artifacts
        ],
    }
    return ResultView.model_validate(without_maps(row.document) | later)
