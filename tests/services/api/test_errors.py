"""Whatever is sent, the answer is a problem with a stable code, and never a 500."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from services.api.app import create_app
from services.api.openapi import schema_of
from services.store.states import Role
from tests.services.api.conftest import Reader, Web

JUNK_IDS = ("01JD8Q3Z5V7Y9XK2M4N6P8R0ST", "%00", "..%2f..", "x" * 2000, "%F0%9F%92%80", "'; DROP TABLE studies --")
JUNK_VALUES = ("", "-1", "999999999999999999999999", "%00", "\U0001f480", "[]", "2026-13-45", "x" * 3000, "NaN", "true")
JUNK_BODIES: tuple[Any, ...] = (
    *(None, [], "text", 7, True, {}, {"action": "sign"}, {"action": None}, {"text": {"a": 1}}, {"findings": [[]]}),
    {"name": "\x00", "role": "admin"},
    {"name": "n" * 70, "password": "p" * 2000, "role": "x"},
    {"version": "\U0001f480", "reason": "\x00"},
    {"action": "sign", "verdict": "edit", "findings": [{"label": "dr_grade", "value": 1e308, "laterality": "Q"}]},
)
RAW_BODIES = (b"{", b"\xff\xfe\x00", b'{"a":' * 2000, b'"\\ud800"', b'{"action": NaN}', b"[" * 100_000)
#: Not JSON routes: they have tests of their own.
ELSEWHERE = {"/api/v1/events", "/metrics"}


def operations(web: Web) -> list[tuple[str, str, dict[str, Any]]]:
    """Every documented operation but those elsewhere."""
    schema = web.client(Role.ADMIN).get("/openapi.json").json()
    return [
        (method, path, operation)
        for path, item in schema["paths"].items()
        if path not in ELSEWHERE
        for method, operation in item.items()
    ]


def junk(method: str, path: str, operation: dict[str, Any], real: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Requests of one operation: wrong ids, then wrong parameters, then wrong bodies on things that exist."""
    known = re.sub(r"\{(\w+)\}", lambda found: real.get(found[1], JUNK_IDS[0]), path)
    ids = JUNK_IDS if "{" in path else JUNK_IDS[:1]
    yield from ({"method": method, "url": re.sub(r"\{\w+\}", one, path)} for one in ids)
    query = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
    for name, value in itertools.product(query, JUNK_VALUES):
        yield {"method": method, "url": known, "params": {name: value}}
    if "requestBody" in operation and "application/json" in operation["requestBody"]["content"]:
        yield from ({"method": method, "url": known, "json": body} for body in JUNK_BODIES)
        typed = {"Content-Type": "application/json"}
        yield from ({"method": method, "url": known, "content": raw, "headers": typed} for raw in RAW_BODIES)
        yield {
            "method": method,
            "url": known,
            "content": b"{}",
            "headers": {"Content-Type": "text/plain; charset=x"},
        }


def wrong(answer: httpx.Response) -> bool:
    """Whether an answer is a defect: a 500, or a refusal that is no problem document with a code."""
    if answer.status_code < 400:
        return False
    typed = answer.headers.get("content-type") == "application/problem+json"
    return answer.status_code == 500 or not typed or not answer.json().get("code")


def test_no_junk_on_any_route_is_a_500_and_every_refusal_has_a_code(web: Web, reader: Reader) -> None:
    read, admin = reader.read(), web.client(Role.ADMIN)
    real = {"study_id": read.study_id, "result_id": read.result_id, "job_id": read.job_id, "name": "fundus_dr_grading"}
    requests = [request for one in operations(web) for request in junk(*one, real)]
    answers = [(request, admin.request(**request)) for request in requests]
    assert len(answers) > 500
    assert [(request, answer.status_code, answer.text) for request, answer in answers if wrong(answer)] == []


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nowhere", "not_found"),
        ("GET", "/api/v1/nothing", "not_found"),
        ("DELETE", "/api/v1/studies", "method_not_allowed"),
        ("GET", "/api/v1/studies/", "not_found"),
    ],
)
def test_what_is_not_there_has_a_code(web: Web, method: str, path: str, code: str) -> None:
    answer = web.client(Role.ADMIN).request(method, path)
    assert answer.json()["code"] == code
    assert answer.json().keys() >= {"type", "title", "status", "detail", "code"}
    assert answer.json()["status"] == answer.status_code


def test_a_json_body_past_its_limit_is_refused_before_it_is_read(web: Web) -> None:
    answer = web.client(Role.ADMIN).post("/api/v1/studies/search", json={"text": "x" * 2_000_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_refused_field_is_named_and_its_value_is_not_repeated(web: Web) -> None:
    answer = web.client(Role.ADMIN).post("/api/v1/studies/search", json={"text": {"name": "Planted^Patient"}})
    assert answer.json()["errors"] == [{"field": "body.text", "problem": "Input should be a valid string"}]
    assert "Planted" not in answer.text


def test_every_operation_is_documented_with_a_summary_types_and_errors() -> None:
    schema = schema_of(create_app())
    operations = {(path, method): one for path, item in schema["paths"].items() for method, one in item.items()}
    bare = [place for place, one in operations.items() if not one.get("summary") or not one.get("description")]
    closed = [place for place, one in operations.items() if one.get("security") and "401" not in one["responses"]]
    vague = [
        (place, status)
        for place, one in operations.items()
        for status, answer in one["responses"].items()
        if status.startswith("2") and status != "204" and not answer.get("content")
    ]
    unlike = [
        name
        for name, shape in schema["components"]["schemas"].items()
        for example in shape.get("examples", [])
        if not Draft202012Validator(shape | {"components": schema["components"]}).is_valid(example)
    ]
    assert len({one["operationId"] for one in operations.values()}) == len(operations)
    assert (bare, closed, [one for one in vague if one[1] != "206"], unlike) == ([], [], [], [])


def test_a_field_of_the_wrong_form_is_refused_without_a_pattern(web: Web) -> None:
    answer = web.client(Role.ADMIN).get("/api/v1/studies", params={"assignee": "somebody"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["detail"] == "It has characters, or a form, that this field does not take"
