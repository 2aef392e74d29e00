"""Logging in and out with a browser, and who one is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import JSONResponse, Response

from pipelines.core.errors import NotAuthenticated, TooManyAttempts
from services.api.deps import Technician, TheSettings, TheStore
from services.api.errors import problems
from services.api.throttle import LoginThrottle
from services.intake.access import CSRF_COOKIE, SESSION_COOKIE, Actor
from services.settings import Settings
from services.store import audit, users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store
from services.store.users import NewSession

router = APIRouter(tags=["session"])

SECONDS_PER_HOUR = 3600


class Login(BaseModel):
    """A user's name and password."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] = Field(
        examples=["reader"]
    )
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Me(BaseModel):
    """Who asks."""

    id: str = Field(description="`user:<id>` or `key:<id>`, as the audit writes it.")
    user_id: str | None = Field(description="The person; null for a key that no person made.")
    name: str
    role: Role


class SessionView(BaseModel):
    """A browser session that has begun; its cookies came with this answer."""

    user: Me
    csrf_token: str = Field(description="To be sent as X-CSRF-Token with every request that changes something.")
    expires_at: datetime


@router.post(
    "/session",
    status_code=201,
    summary="Log in",
    response_model=SessionView,
    responses=problems(NotAuthenticated, TooManyAttempts),
)
def log_in(body: Login, request: Request, store: TheStore, settings: TheSettings) -> Response:
    """Sets the session cookie (HttpOnly) and the CSRF cookie (for the page's own script), both SameSite=Strict."""
    throttle: LoginThrottle = request.app.state.throttle
    place = request.client.host if request.client else ""
    with throttle.attempt(body.name, place):
        opened, me = _open(store, settings, body)
    view = SessionView(user=me, csrf_token=opened.csrf_token, expires_at=opened.expires_at)
    response = JSONResponse(view.model_dump(mode="json"), 201)
    _set_cookies(response, settings, opened)
    return response


@router.delete("/session", status_code=204, summary="Log out", responses=problems())
def log_out(request: Request, actor: Technician, store: TheStore, settings: TheSettings) -> Response:
    """Ends the browser session and takes the cookies back; with an API key there is nothing to end."""
    if actor.session_id is not None:
        with unit_of_work(store.database) as session:
            users.close_session(session, request.cookies[SESSION_COOKIE])
            audit.record(session, actor.id_string, "session.closed")
    response = Response(status_code=204)
    for name in (SESSION_COOKIE, CSRF_COOKIE):
        response.delete_cookie(name, secure=settings.secure_cookies, samesite="strict")
    return response


@router.get("/me", summary="Who I am and what I may do", responses=problems())
def who_am_i(actor: Technician) -> Me:
    """The actor behind the credential."""
    return _me(actor)


def _open(store: Store, settings: Settings, body: Login) -> tuple[NewSession, Me]:
    try:
        with unit_of_work(store.database, writing=False) as session:
            # The slow part: outside the writing transaction, or a guesser would hold up everyone's work.
            user = users.authenticate(session, body.name, body.password)
    except NotAuthenticated:
        with unit_of_work(store.database) as session:
            audit.record(session, "anonymous", "session.refused")
        raise
    with unit_of_work(store.database) as session:
        opened = users.open_session(session, user.id, settings.session_hours)
        audit.record(session, f"user:{user.id}", "session.opened")
    return opened, Me(id=f"user:{user.id}", user_id=user.id, name=user.name, role=Role(user.role))


def _me(actor: Actor) -> Me:
    return Me(id=actor.id_string, user_id=actor.user_id, name=actor.name, role=actor.role)


def _set_cookies(response: Response, settings: Settings, opened: NewSession) -> None:
    lifetime = int(settings.session_hours * SECONDS_PER_HOUR)
    for name, value, hidden in (
        (SESSION_COOKIE, opened.token, True),
        (CSRF_COOKIE, opened.csrf_token, False),
    ):
        response.set_cookie(
            name, value, max_age=lifetime, httponly=hidden, secure=settings.secure_cookies, samesite="strict"
        )
