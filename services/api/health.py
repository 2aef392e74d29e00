"""Is the process alive, may it take work, and what does Prometheus want to know."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import BaseModel, Field
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from pipelines.core.errors import DatabaseUnavailable, StorageFull
from services.api.deps import TheSettings, TheStore
from services.api.errors import problems
from services.api.metrics import CONTENT_TYPE, Metrics
from services.intake.access import bearer_key, current_actor, session_cookie, settings_of
from services.settings import Settings
from services.store.alarms import AlarmCode, open_alarms
from services.store.room import Room
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Site

router = APIRouter(tags=["health"])

BROKER_SECONDS = 2.0


class Check(StrEnum):
    """How a part does."""

    OK = "ok"  #: it answers
    AWAY = "away"  #: it does not answer
    FULL = "full"  #: less room than intake keeps free
    NONE = "none"  #: it is not configured


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """Whether the parts that the API needs are there."""

    ready: bool
    database: Check
    broker: Check
    disk: Check
    alarms: list[AlarmCode] = Field(description="What a person must see to: it works, but not as it should.")


@router.get("/healthz", summary="Is the process alive")
async def healthz() -> Alive:
    """Looks at nothing but itself."""
    return Alive()


@router.get(
    "/readyz",
    summary="May it take work",
    response_model=Ready,
    responses={503: {"description": "A part is away.", "model": Ready}},
)
def readyz(store: TheStore, settings: TheSettings) -> Response:
    """Database with its tables, broker, room on the disk, and the open alarms."""
    database, alarms = _database(store)
    checks = {"database": database, "broker": _broker(settings), "disk": _disk(store, settings)}
    # A broker that is away delays work by a sweep and loses nothing: uploads stay welcome.
    ready = checks["database"] is Check.OK and checks["disk"] is Check.OK
    return JSONResponse(Ready(ready=ready, alarms=alarms, **checks).model_dump(mode="json"), 200 if ready else 503)


def may_scrape(
    request: Request,
    settings: Annotated[Settings, Depends(settings_of)],
    key: Annotated[HTTPAuthorizationCredentials | None, Security(bearer_key)],
    session: Annotated[str | None, Security(session_cookie)],
) -> None:
    """Let a key or a login in, or everybody where OVERREAD_METRICS_OPEN says that the network is one's own."""
    if not settings.metrics_open:
        current_actor(request, key, session, None)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    dependencies=[Depends(may_scrape)],
    response_class=Response,
    responses=problems() | {200: {"description": "Prometheus' text format.", "content": {"text/plain": {}}}},
)
def figures(request: Request) -> Response:
    """Routes appear as templates; no label holds an id."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.exposition(), media_type=CONTENT_TYPE)


def _database(store: Store) -> tuple[Check, list[AlarmCode]]:
    try:
        with unit_of_work(store.database, writing=False) as session:
            session.scalar(select(Site.id).limit(1))
            return Check.OK, [AlarmCode(alarm.code) for alarm in open_alarms(session)]
    except DatabaseUnavailable:
        return Check.AWAY, []


def _broker(settings: Settings) -> Check:
    if settings.broker_url is None:
        return Check.NONE
    try:
        with closing(
            Redis.from_url(settings.broker_url, socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS)
        ) as broker:
            broker.ping()
    except RedisError:
        return Check.AWAY
    return Check.OK


def _disk(store: Store, settings: Settings) -> Check:
    try:
        Room(settings, store.blobs.quota).check()
    except StorageFull:
        return Check.FULL
    except (OSError, DatabaseUnavailable):
        return Check.AWAY
    return Check.OK
