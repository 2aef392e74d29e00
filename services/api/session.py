"""Logging in and out with a browser, and who one is."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import JSONResponse, Response

from pipelines.core.errors import NotAuthenticated, TooManyAttempts
from services.api.deps import Person, Technician, TheSettings, TheStore
from services.api.errors import problems
from services.api.throttle import LoginThrottle
from services.intake.access import CSRF_COOKIE, SESSION_COOKIE, Actor
from services.settings import Settings
from services.store import audit, users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store
from services.store.tables import User
from services.store.users import NewSession
from services.work.blind import set_blind_first

router = APIRouter(tags=["session"])

SECONDS_PER_HOUR: Final = 3600
#: A login that has not had its turn by then is told to come again; a turn takes some tens of milliseconds.
TURN_SECONDS: Final = 10


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
    blind_first: bool = Field(description="The machine's answers are withheld until this person's own word.")


class MeChange(BaseModel):
    """What one may change of oneself."""

    blind_first: bool = Field(description="Read before the machine's answer is shown.")


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
        user = _known(store, request.app.state.passwords, body)
    opened, me = _open(store, settings, user)
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


@router.patch("/me", summary="Change how I read", responses=problems())
def change_me(body: MeChange, actor: Technician, person: Person, store: TheStore) -> Me:
    """Blind-first reading works from the next request on, in every browser and with every API key of this person."""
    with unit_of_work(store.database) as session:
        set_blind_first(session, person, actor.id_string, blind_first=body.blind_first)
    return _me(replace(actor, blind_first=body.blind_first))


def _known(store: Store, passwords: Executor, body: Login) -> User:
    """The user whose password this is; `passwords` has one thread.

    Argon2 needs much memory on purpose: one login at a time, in one thread, or as many guesses at once would take the
    machine's (and each thread that ever did it would keep its share).
    """
    try:
        return passwords.submit(_verify, store, body).result(TURN_SECONDS)
    except TimeoutError:
        raise TooManyAttempts("too many people log in at the same time", seconds=TURN_SECONDS) from None
    except NotAuthenticated:
        with unit_of_work(store.database) as session:
            audit.record(session, "anonymous", "session.refused")
        raise


def _verify(store: Store, body: Login) -> User:
    with unit_of_work(store.database, writing=False) as session:
        return users.authenticate(session, body.name, body.password)


def _open(store: Store, settings: Settings, user: User) -> tuple[NewSession, Me]:
    with unit_of_work(store.database) as session:
        opened = users.open_session(session, user.id, settings.session_hours)
        audit.record(session, f"user:{user.id}", "session.opened")
    return opened, Me(
        id=f"user:{user.id}",
        user_id=user.id,
        name=user.name,
        role=Role(user.role),
        blind_first=user.blind_first,
    )


def _me(actor: Actor) -> Me:
    return Me(
        id=actor.id_string,
        user_id=actor.user_id,
        name=actor.name,
        role=actor.role,
        blind_first=actor.blind_first,
    )


def _set_cookies(response: Response, settings: Settings, opened: NewSession) -> None:
    lifetime = int(settings.session_hours * SECONDS_PER_HOUR)
    for name, value, hidden in (
        (SESSION_COOKIE, opened.token, True),
        (CSRF_COOKIE, opened.csrf_token, False),
    ):
        response.set_cookie(
            name, value, max_age=lifetime, httponly=hidden, secure=settings.secure_cookies, samesite="strict"
        )
