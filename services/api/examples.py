"""Examples for every type of the schema, put together from those of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Any: JSON, as OpenAPI has it.
Json = Any

BY_ENDING: Final[Mapping[str, str]] = {
    "_id": "01JD8Q3Z5V7Y9XK2M4N6P8R0ST",
    "_uid": "2.25.87928285284805208243189743678105063127",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
BY_NAME: Final[Mapping[str, str]] = {
    "pipeline": "retinopathy",
    "queue": "retinopathy",
    "step": "infer",
    "modality": "OP",
    "laterality": "L",
    "error_code": "corrupt_pixels",
    "error_detail": "The pixel data does not decode.",
    "code": "corrupt_pixels",
    "sex": "F",
    "actor": "user:01JD8Q3Z5V7Y9XK2M4N6P8R0ST",
    "cursor": "WyIwMUpEOFEzWjVWN1k5WEsyTTRONlA4UjBTVCJd",
    "next_cursor": "WyIwMUpEOFEzWjVWN1k5WEsyTTRONlA4UjBTVCJd",
}
BY_FORMAT: Final[Mapping[str, str]] = {"date-time": "2026-11-22T13:04:34Z", "date": "2026-11-22"}
BY_TYPE: Final[Mapping[str, Json]] = {"string": "text", "integer": 1, "number": 0.5, "boolean": True, "null": None}


def add_examples(schemas: dict[str, Json]) -> None:
    """Give each object type that has no example of its own one, in place."""
    for shape in schemas.values():
        if shape.get("type") == "object" and "examples" not in shape:
            shape["examples"] = [_of("", shape, schemas)]


def _of(name: str, shape: Json, schemas: Mapping[str, Json]) -> Json:
    """An example of one type; `name` is its field's."""
    if "$ref" in shape:
        return _of(name, schemas[shape["$ref"].rsplit("/", 1)[-1]], schemas)
    if shape.get("examples"):
        return shape["examples"][0]
    if "const" in shape or "enum" in shape:
        return shape.get("const", (shape.get("enum") or [None])[0])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in shape:
            return _of(name, shape[several][0], schemas)
    return _plain(name, shape, schemas)


def _plain(name: str, shape: Json, schemas: Mapping[str, Json]) -> Json:
    match shape.get("type"):
        case "object":
            return {field: _of(field, inner, schemas) for field, inner in shape.get("properties", {}).items()}
        case "array":
            return [_of(name, inner, schemas) for inner in shape.get("prefixItems", [shape.get("items", {})])]
        case "string":
            return _text(name, shape)
        case kind:
            return BY_TYPE.get(str(kind))


def _text(name: str, shape: Json) -> str:
    by_ending = next((value for ending, value in BY_ENDING.items() if f"_{name}".endswith(ending)), "text")
    return BY_NAME.get(name, BY_FORMAT.get(shape.get("format", ""), by_ending))
