"""Who is asking: the request's credential, its role, and the parts of the system a route needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from pipelines.core.errors import Forbidden, NotAuthenticated
from services.broker import Bell
from services.settings import Settings
from services.store import users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store
from services.store.tables import ApiKey, User

SESSION_COOKIE: Final = "overread_session"
CSRF_COOKIE: Final = "overread_csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
#: Methods that change nothing: RFC 9110 section 9.2.1.
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
RANKS: Final = tuple(Role)  # each role includes the ones before it

bearer_key = HTTPBearer(auto_error=False, scheme_name="apiKey", description="An API key: `Authorization: Bearer ovr_…`")
session_cookie = APIKeyCookie(
    name=SESSION_COOKIE, auto_error=False, scheme_name="session", description="What `POST /api/v1/session` sets."
)
csrf_token = APIKeyHeader(
    name=CSRF_HEADER,
    auto_error=False,
    scheme_name="csrf",
    description="With a session cookie, every request that changes something repeats the `overread_csrf` cookie here.",
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: `id_string` is "user:<id>" or "key:<id>"; `user_id` is the person behind it, where there is one.

    `blind_first`: that person reads before the machine's answer is shown, with whatever credential.
    """

    id_string: str
    role: Role
    name: str
    user_id: str | None = None
    session_id: str | None = None
    blind_first: bool = False
    site_id: str | None = None  # of a key that sends for a site of its own

    def may(self, role: Role) -> bool:
        """Whether this actor's role includes `role`."""
        return RANKS.index(self.role) >= RANKS.index(role)


def store_of(request: Request) -> Store:
    """The store this application was started with."""
    return cast("Store", request.app.state.store)


def settings_of(request: Request) -> Settings:
    """The settings this application was started with."""
    return cast("Settings", request.app.state.settings)


def bell_of(request: Request) -> Bell:
    """The bell this application was started with."""
    return cast("Bell", request.app.state.bell)


def current_actor(
    request: Request,
    key: Annotated[HTTPAuthorizationCredentials | None, Security(bearer_key)],
    session: Annotated[str | None, Security(session_cookie)],
    csrf: Annotated[str | None, Security(csrf_token)],
) -> Actor:
    """The actor behind an API key or a browser session.

    Raises NotAuthenticated without a valid one, Forbidden (`csrf_failed`) where a session changes something without
    its token. A key is never mixed with a cookie: with an Authorization header the cookie is not looked at.
    """
    if "authorization" in request.headers:
        return _actor_of_key(store_of(request), key.credentials if key else "")
    if session:
        return _actor_of_session(store_of(request), session, csrf, changes=request.method not in SAFE_METHODS)
    raise NotAuthenticated


def _actor_of_key(store: Store, token: str) -> Actor:
    with unit_of_work(store.database, writing=False) as session:
        key = users.verify_key(session, token)
        person = _person_behind(session, key)
        # A person who may do less now takes the keys along, or an old one would keep the lost role.
        role = min((Role(one.role) for one in (key, person) if one is not None), key=RANKS.index)
        if person is None:
            return Actor(f"key:{key.id}", role, key.name, site_id=key.site_id)
        return Actor(
            f"key:{key.id}", role, key.name, user_id=person.id, blind_first=person.blind_first, site_id=key.site_id
        )


def _person_behind(session: Session, key: ApiKey) -> User | None:
    """Who made the key: it acts for that person, and ends with them; None for a key of the system."""
    kind, _, user_id = key.created_by.partition(":")
    person = session.get(User, user_id) if kind == "user" else None
    if person is not None and person.disabled_at is not None:
        raise NotAuthenticated("the API key's owner is disabled", code="wrong_key")
    return person


def _actor_of_session(store: Store, token: str, csrf: str | None, *, changes: bool) -> Actor:
    with unit_of_work(store.database, writing=False) as session:
        user, browser_session = users.session_user(session, token)
        if changes and not users.csrf_matches(browser_session, csrf or ""):
            raise Forbidden("the request does not carry this session's CSRF token", code="csrf_failed")
        return Actor(
            f"user:{user.id}",
            Role(user.role),
            user.name,
            user_id=user.id,
            session_id=browser_session.id,
            blind_first=user.blind_first,
        )


def require(role: Role) -> Callable[[Actor], Actor]:
    """A dependency that gives the actor, or raises Forbidden where the actor's role does not include `role`."""

    def actor_with_role(actor: Annotated[Actor, Depends(current_actor)]) -> Actor:
        if not actor.may(role):
            raise Forbidden(f"this needs the role {role.value}")
        return actor

    return actor_with_role
