"""The reference at /docs: one page made from the schema, without a script and without anything from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final, cast

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from services.api.deps import Technician
from services.api.openapi import Schema, document
from services.dashboard.plain import only_style

router = APIRouter(include_in_schema=False)

STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 0.9em ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.5rem; border: 1px solid #8886; border-radius: 4px; }
summary { cursor: pointer; padding: 0.25rem 0; }
summary code { font-weight: 600; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: 0.2rem 0.6rem 0.2rem 0; border-bottom: 1px solid #8884; }
"""
POLICY: Final = f"default-src 'none'; style-src {only_style(STYLE)}; frame-ancestors 'none'; base-uri 'none'"
#: A word or call between backticks, as descriptions mark them.
CODE: Final = re.compile("`([^`]+)`")
METHODS: Final = ("get", "post", "put", "patch", "delete")


@router.get("/openapi.json")
def openapi_json(request: Request, actor: Technician) -> Response:
    """The schema, for programs."""
    return JSONResponse(document(cast("FastAPI", request.app)))


@router.get("/docs")
def docs(request: Request, actor: Technician) -> Response:
    """The schema, for people."""
    page = "".join(_page(document(cast("FastAPI", request.app))))
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


def _page(schema: Schema) -> Iterator[str]:
    title = escape(f"{schema['info']['title']} {schema['info']['version']}")
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{STYLE}</style></head><body><h1>{title}</h1><p>{_text(schema['info'])}</p>"
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
    for tag in _tags(schema):
        yield f"<h2>{escape(tag)}</h2>"
        for path, method, operation in _operations(schema):
            if operation.get("tags", [""])[0] == tag:
                yield from _operation(path, method, operation)
    yield "<h2>Types</h2>"
    for name, shape in sorted(schema["components"]["schemas"].items()):
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code> {_text(shape)}</summary>'
        yield from _properties(shape)
        yield "</details>"
    yield "</body></html>"


def _operation(path: str, method: str, operation: Schema) -> Iterator[str]:
    yield f"<details><summary><code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}</summary>"
    yield f"<p>{_text(operation)}</p>"
    if operation.get("parameters"):
        yield "<h4>Parameters</h4><table>"
        for parameter in operation["parameters"]:
            where = f"{parameter['name']} ({parameter['in']}{', required' if parameter.get('required') else ''})"
            yield _row(where, _kind(parameter.get("schema", {})), _text(parameter))
        yield "</table>"
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<h4>Body: {escape(media_type)}</h4><p>{_kind(content.get('schema', {}))}</p>"
    yield "<h4>Answers</h4><table>"
    for status, answer in operation["responses"].items():
        kinds = [_kind(content.get("schema", {})) for content in answer.get("content", {}).values()]
        yield _row(status, ", ".join(kinds), _text(answer))
    yield "</table></details>"


def _properties(shape: Schema) -> Iterator[str]:
    if "enum" in shape:
        yield f"<p>{escape(', '.join(str(value) for value in shape['enum']))}</p>"
    if "properties" in shape:
        yield "<table>"
        for name, part in shape["properties"].items():
            needed = name if name in shape.get("required", []) else f"{name} (optional)"
            examples = f" e.g. <code>{escape(json.dumps(part['examples'][0]))}</code>" if part.get("examples") else ""
            yield _row(needed, _kind(part), _text(part) + examples)
        yield "</table>"
    for example in shape.get("examples", []):
        yield f"<pre>{escape(json.dumps(example, indent=2))}</pre>"


def _kind(shape: Mapping[str, Any]) -> str:
    """A type in a few words, linked where it is one of ours (Any: JSON schema)."""
    if "$ref" in shape:
        name = escape(str(shape["$ref"]).rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    for joined in ("anyOf", "oneOf"):
        if joined in shape:
            return " or ".join(_kind(part) for part in shape[joined])
    if shape.get("type") == "array":
        return f"list of {_kind(shape.get('items', {}))}"
    words = shape.get("enum") or [shape.get("format") or shape.get("type") or "any"]
    return escape(" | ".join(str(word) for word in words))


def _tags(schema: Schema) -> list[str]:
    return list(dict.fromkeys(operation.get("tags", [""])[0] for _, _, operation in _operations(schema)))


def _operations(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _text(part: Mapping[str, Any]) -> str:
    return CODE.sub(r"<code>\1</code>", escape(str(part.get("description", ""))))


def _row(*cells: str) -> str:
    return f"<tr><th><code>{escape(cells[0])}</code></th>" + "".join(f"<td>{cell}</td>" for cell in cells[1:]) + "</tr>"
