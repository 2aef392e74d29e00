"""REST intake: POST /studies takes any number of files in one body, POST /studies/{id}/complete closes a study."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from http import HTTPStatus
from typing import Annotated, cast

from anyio import CancelScope
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from pipelines.core.errors import BadInput, BadRequest, BodyTooLarge, NotFound, Unavailable
from services.intake.access import Actor, bell_of, require, settings_of, store_of
from services.intake.answers import ACCEPTED, RETRY_AFTER_SECONDS, Answer
from services.intake.asked import Asked
from services.intake.documents import (
    COMPLETE_RESPONSES,
    PROBLEM_MEDIA_TYPE,
    SUBMIT_BODY,
    SUBMIT_RESPONSES,
    Completing,
    StudyReceived,
    Submitted,
)
from services.intake.idempotency import LONGEST_KEY, REPLAYED_HEADER, IdempotencyHeader, once
from services.intake.once import Once
from services.intake.stream import drain, in_thread, pour, spooling, upload_slot
from services.intake.upload import Body, Digesting, Upload, body_of
from services.settings import Settings
from services.store.entries import known_names
from services.store.ids import ULID_LENGTH
from services.store.states import Role
from services.work.close import complete
from services.work.places import Decodes, Parts
from services.work.queues import require_room
from services.work.spool import Spool
from services.work.watermarks import admit

router = APIRouter(tags=["intake"])

Technician = Annotated[Actor, Depends(require(Role.TECHNICIAN))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same parameters, fields and files within 24 hours acts once.",
    ),
]


def decoder_of(request: Request) -> Decodes:
    """The decoding child of this application."""
    return cast("Decodes", request.app.state.decoder)


@router.post(
    "/studies",
    status_code=ACCEPTED,
    summary="Send images",
    response_model=Submitted,
    responses=SUBMIT_RESPONSES,
    openapi_extra=SUBMIT_BODY,
)
async def submit(
    request: Request, actor: Technician, asked: Annotated[Asked, Query()], idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """DICOM files, archives (zip, tar), fundus photographs (JPEG, PNG, TIFF), NIfTI and raw MRI data, in any number.

    Each file is answered for by itself: one that is refused never sinks the others. 413, 503 and 507 end the body and
    say what was kept.
    """
    pipelines = await in_thread(lambda: known_names(store_of(request)))
    asked.wishes(pipelines)
    parts = Parts(
        store_of(request).at(actor.site_id),
        settings_of(request),
        bell_of(request),
        decoder_of(request),
        actor.id_string,
        "rest",
    )
    claim = Once(parts.store, actor.id_string, idempotency_key)
    async with upload_slot():
        if await in_thread(claim.was_answered):
            return _response(await _read_again(request, parts.settings, asked, claim), {REPLAYED_HEADER: "true"})
        try:
            return _response(await _take_in(request, parts, asked, claim, pipelines))
        except BaseException:
            with CancelScope(shield=True):
                await in_thread(claim.forget)
            raise


@router.post(
    "/studies/{study_id}/complete",
    summary="Close a study now",
    response_model=StudyReceived,
    responses=COMPLETE_RESPONSES,
)
def complete_study(
    request: Request,
    actor: Technician,
    study_id: Annotated[str, Path(examples=["01JD8Q3Z5V7Y9XK2M4N6P8R0ST"])],
    told: Completing | None = None,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """Instead of waiting for the quiet time; a study that is closed already stays as it is.

    With `expected` the study is marked incomplete where it holds fewer images.
    """
    if len(study_id) != ULID_LENGTH or not study_id.isalnum():
        raise NotFound

    def act() -> StudyReceived:
        expected = told.expected if told else None
        closed = complete(store_of(request), bell_of(request), study_id, actor.id_string, expected)
        return StudyReceived(
            id=closed.id,
            study_instance_uid=closed.study_instance_uid,
            state=closed.state,
            jobs=list(closed.jobs),
            incomplete=closed.incomplete,
        )

    return once(store_of(request), actor, request, told, idempotency_key, act)


async def _take_in(request: Request, parts: Parts, asked: Asked, claim: Once, pipelines: Collection[str]) -> Answer:
    """Take the body in, whole or as far as it comes."""
    stream = request.stream()
    async with spooling(parts.settings, parts.store.blobs.quota) as spool:
        upload = Upload(parts, spool, asked, pipelines)
        try:
            await in_thread(_check_length, request, parts)
            await in_thread(require_room, parts.store, parts.settings, asked.wishes(pipelines).priority)
            await pour(stream, _body(request, parts.settings, spool, upload), parts.settings.max_body_bytes)
            answer = await in_thread(upload.finish)
        except (BadInput, Unavailable) as error:
            await _drain(request, stream)
            await in_thread(claim.forget)
            return await in_thread(upload.stop, error)
        except ClientDisconnect as error:
            # Nobody hears the answer; what came whole is kept, and sending it again finds it as duplicates.
            gone = BadRequest("the sender went away", code="client_gone")
            with CancelScope(shield=True):
                await in_thread(upload.stop, gone)
            raise gone from error
        if answer.status == ACCEPTED:
            await in_thread(claim.keep, upload.digest, answer)
        else:
            await in_thread(claim.forget)
        return answer


async def _read_again(request: Request, settings: Settings, asked: Asked, claim: Once) -> Answer:
    """Read a body whose key was answered before, only to see that it is the same request."""
    async with spooling(settings) as spool:
        digesting = Digesting(asked)
        await pour(request.stream(), _body(request, settings, spool, digesting), settings.max_body_bytes)
        return await in_thread(claim.repeated, digesting.digest)


def _body(request: Request, settings: Settings, spool: Spool, receiver: Upload | Digesting) -> Body:
    return body_of(request.headers.get("content-type", ""), spool, receiver, settings.max_file_bytes)


def _check_length(request: Request, parts: Parts) -> None:
    """Refuse what cannot fit before a byte of it is read."""
    stated = request.headers.get("content-length", "")
    length = int(stated) if stated.isdecimal() else 0
    if length > parts.settings.max_body_bytes:
        raise BodyTooLarge(limit=parts.settings.max_body_bytes)
    admit(parts.store, parts.settings, length)


async def _drain(request: Request, stream: AsyncIterator[bytes]) -> None:
    # A sender that waits for "100 Continue" has sent nothing, and must not be told to.
    if request.headers.get("expect", "").lower() != "100-continue":
        await drain(stream)


def _response(answer: Answer, headers: dict[str, str] | None = None) -> JSONResponse:
    media_type = "application/json" if answer.status == ACCEPTED else PROBLEM_MEDIA_TYPE
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return JSONResponse(answer.document, answer.status, headers, media_type)
