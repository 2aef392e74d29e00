"""Errors as answers: RFC 9457 problem documents with a stable code, and none of what was sent in them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from pipelines.core.errors import (
    BadRequest,
    DatabaseUnavailable,
    Forbidden,
    NotAuthenticated,
    OverreadError,
)
from services.dashboard.plain import nowhere, wants_a_page
from services.intake.answers import PROBLEM_TYPE, RETRY_AFTER_SECONDS
from services.intake.asked import in_words
from services.intake.documents import PROBLEM_MEDIA_TYPE

#: Codes of what the framework itself refuses, by status.
FRAMEWORK_CODES: Final[Mapping[int, str]] = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
}


class FieldProblem(BaseModel):
    """One field that is not as it should be; what was sent in it is not repeated."""

    field: str = Field(description="Where: `body.findings.0.value`, `query.limit`.", examples=["query.limit"])
    problem: str = Field(
        description="What is wrong, in a sentence.", examples=["Input should be less than or equal to 200"]
    )


class Problem(BaseModel):
    """An error: RFC 9457 problem details with Overread's own stable `code`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:overread:problem:not_found",
                    "title": "There is nothing under this id.",
                    "status": 404,
                    "detail": "There is nothing under this id.",
                    "code": "not_found",
                }
            ]
        }
    )

    type: str = Field(description="A URN of the code: `urn:overread:problem:CODE`.")
    title: str = Field(description="The same sentence for every problem of this kind.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was wrong this time, in one sentence.")
    code: str = Field(description="Stable word for programs; docs/api.md lists them.")
    errors: list[FieldProblem] | None = Field(default=None, description="The fields at fault, with `invalid_request`.")


def problems(*classes: type[OverreadError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may raise these (Any: OpenAPI's JSON); what every route may raise is included."""
    by_status: dict[int, list[str]] = {}
    everywhere: tuple[type[OverreadError], ...] = (BadRequest, NotAuthenticated, Forbidden, DatabaseUnavailable)
    for kind in (*classes, *everywhere):
        by_status.setdefault(kind.status, []).append(f"`{kind.code}`: {kind('').title}")
    by_status.setdefault(422, []).append("`invalid_request`: A parameter or the body is not as described.")
    return {status: _documented(" ".join(dict.fromkeys(lines))) for status, lines in sorted(by_status.items())}


def _documented(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}}}


def problem_response(
    status: int, code: str, title: str, detail: str, errors: list[FieldProblem] | None = None
) -> Response:
    """A problem document with the headers its status asks for."""
    problem = Problem(type=f"{PROBLEM_TYPE}{code}", title=title, status=status, detail=detail, code=code, errors=errors)
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 section 15.5.2 asks for it
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return JSONResponse(problem.model_dump(exclude_none=True), status, headers, media_type=PROBLEM_MEDIA_TYPE)


def overread_problem(error: OverreadError) -> Response:
    """The answer for an error of the tree; a 500 among them says nothing of what happened inside."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not error.retry:
        return internal_problem()
    response = problem_response(error.status, error.code, error.title, error.sentence)
    seconds = error.facts.get("seconds")
    if error.status == HTTPStatus.TOO_MANY_REQUESTS and isinstance(seconds, int):
        response.headers["Retry-After"] = str(seconds)
    return response


def internal_problem() -> Response:
    """The answer to a defect: no message, no trace, no quotation."""
    title = "Something went wrong in Overread."
    return problem_response(500, "internal_error", title, "The error was logged; nothing of your data is in the log.")


def validation_problem(error: RequestValidationError) -> Response:
    """The answer to parameters or a body that do not fit: which fields, and never what was in them."""
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem_response(400, "invalid_json", BadRequest("").title, "the body is not valid JSON")
    fields = [
        FieldProblem(field=".".join(str(part) for part in fault["loc"]), problem=in_words(fault)) for fault in faults
    ]
    return problem_response(
        422, "invalid_request", "A parameter or the body is not as described.", fields[0].problem, fields
    )


def http_problem(error: HTTPException) -> Response:
    """The answer to what the framework refuses: unknown paths, methods, bodies too large."""
    status = HTTPStatus(error.status_code)
    code = FRAMEWORK_CODES.get(error.status_code, f"http_{error.status_code}")
    response = problem_response(error.status_code, code, f"{status.phrase}.", f"{status.description or status.phrase}.")
    response.headers.update(error.headers or {})
    return response


def install(app: FastAPI) -> None:
    """Answer every exception of the application with a problem document; a person at a wrong address gets a page."""

    async def on_overread(request: Request, error: Exception) -> Response:
        return overread_problem(cast("OverreadError", error))

    async def on_validation(request: Request, error: Exception) -> Response:
        return validation_problem(cast("RequestValidationError", error))

    async def on_http(request: Request, error: Exception) -> Response:
        refusal = cast("HTTPException", error)
        if refusal.status_code == HTTPStatus.NOT_FOUND and wants_a_page(request):
            return nowhere()
        return http_problem(refusal)

    app.add_exception_handler(OverreadError, on_overread)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
