"""Cursor paging: every list answers {"items": [...], "next_cursor": ...}."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, Protocol, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from pipelines.core.errors import BadCursor

MAX_LIMIT: Final = 200
DEFAULT_LIMIT: Final = 50
MAX_CURSOR: Final = 512

Item = TypeVar("Item")


class HasId(Protocol):
    """A row with an id."""

    @property
    def id(self) -> str:
        """A ULID."""


Row = TypeVar("Row", bound=HasId)

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items at most.")]
Cursor = Annotated[
    str | None, Query(max_length=MAX_CURSOR, description="The `next_cursor` of the page before; none: the first page.")
]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(default=None, description="Asks for the next page; null on the last.")


def pack(*parts: str | int | None) -> str:
    """A cursor that holds a place in a list; opaque to clients."""
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def unpack(cursor: str, *kinds: type) -> tuple[str | int | None, ...]:
    """The parts of a cursor, each of the kind named (None passes); raises BadCursor."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadCursor from error
    if not isinstance(parts, list) or len(parts) != len(kinds):
        raise BadCursor
    if not all(part is None or type(part) is kind for part, kind in zip(parts, kinds, strict=True)):
        raise BadCursor
    return tuple(parts)


def after_id(cursor: str | None) -> str | None:
    """The id behind a cursor that holds nothing else."""
    return None if cursor is None else str(unpack(cursor, str)[0])


def page_of(rows: Sequence[Row], limit: int, view: Callable[[Row], Item]) -> Page[Item]:
    """A page of rows as `view` shows them; the query asked for one more than `limit`, to see whether more come."""
    shown = rows[:limit]
    return Page(items=[view(row) for row in shown], next_cursor=pack(shown[-1].id) if len(rows) > limit else None)
