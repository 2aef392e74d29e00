"""The API's schema: `python -m services.api.openapi > openapi.json` writes it, without a database or a broker."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from services.api.errors import Problem
from services.api.examples import add_examples

REFERENCE: Final = "#/components/schemas/{model}"
DESCRIPTION: Final = """\
Medical images in, findings that models read first, and a clinician's word as the last one.

Send `Authorization: Bearer <API key>`, or log in with `POST /api/v1/session`. Errors are RFC 9457 problem documents
with a stable `code`. Lists give `{"items": [...], "next_cursor": ...}`; send `cursor` to
go on. Times are UTC, ids opaque.
"""
#: Any: OpenAPI's JSON.
Schema = dict[str, Any]


def operation_id(route: APIRoute) -> str:
    """The name of a call in generated clients: its tag and its function."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


def schema_of(app: FastAPI) -> Schema:
    """The OpenAPI document of all routes, with the problem document among its schemas."""
    schema: Schema = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=app.openapi_tags
    )
    problem = Problem.model_json_schema(ref_template=REFERENCE)
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    add_examples(schemas)
    return schema


@cache
def document(app: FastAPI) -> Schema:
    """`schema_of`, made once an application."""
    return schema_of(app)


def main() -> None:
    """Write the schema to standard output."""
    from services.api.app import app  # here: the application imports this module

    json.dump(schema_of(app), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
