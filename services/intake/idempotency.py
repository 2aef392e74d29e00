"""Idempotency-Key on a POST whose body is JSON or empty: the same request twice acts once and is answered twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Header, Request
from pydantic import BaseModel, StringConstraints
from starlette.responses import JSONResponse, Response

from pipelines.core.receipt import canonical_json
from services.intake.access import Actor
from services.store import idempotency
from services.store.idempotency import OneTime
from services.store.session import unit_of_work
from services.store.stores import Store

LONGEST_KEY: Final = 255
REPLAYED_HEADER: Final = "Idempotency-Replayed"

IdempotencyHeader = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_KEY, pattern=r"^[\x21-\x7e]+$")] | None,
    Header(description="The same key with the same request within 24 hours acts once."),
]


def once(
    store: Store,
    actor: Actor,
    request: Request,
    body: BaseModel | None,
    key: str | None,
    act: Callable[[], BaseModel],
    *,
    status: int = 200,
    withheld: frozenset[str] = frozenset(),
) -> Response:
    """Run `act` unless this request ran before; `withheld` fields are null when the answer is repeated (secrets).

    The credential, path and body decide what "the same request" is. Raises KeyReused and StillRunning, and whatever
    `act` raises: then the key is free again.
    """
    if key is None:
        return JSONResponse(act().model_dump(mode="json"), status)
    path = request.url.path
    one_time = OneTime(actor.id_string, hashlib.sha256(f"{request.method} {path}".encode()).hexdigest(), key)
    digest = hashlib.sha256(canonical_json(body.model_dump(mode="json") if body else None)).hexdigest()
    with unit_of_work(store.database) as session:
        kept = idempotency.begin(session, one_time, digest)
    if kept is not None:
        return JSONResponse(kept.answer, kept.status, {REPLAYED_HEADER: "true"})
    try:
        answer = act().model_dump(mode="json")
    except BaseException:
        with unit_of_work(store.database) as session:
            idempotency.forget(session, one_time)
        raise
    with unit_of_work(store.database) as session:
        idempotency.keep(session, one_time, status, answer | dict.fromkeys(withheld & answer.keys()))
    return JSONResponse(answer, status)
