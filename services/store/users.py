"""Users, browser sessions and API keys: the database holds hashes only."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.core.errors import BadRequest, Conflict, Forbidden, NotAuthenticated, NotFound
from services.store.clock import seconds_from_now, utcnow
from services.store.ids import new_id
from services.store.states import Role
from services.store.tables import ApiKey, BrowserSession, User

KEY_PREFIX = "ovr_"
TOKEN_BYTES = 32  # 256 bits: guessing is hopeless, so a plain sha256 protects them at rest
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024  # argon2 reads all of it: an upper bound keeps a login cheap
SECONDS_PER_HOUR = 3600
# OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes. The library's 64 MiB would be a third of what the
# API process may weigh. A stored hash names its own parameters, so they can change at any time.
ARGON2_KIBIBYTES = 19 * 1024
ARGON2_PASSES = 2


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key as its owner sees it once."""

    id: str
    key: str


@dataclass(frozen=True, slots=True)
class NewSession:
    """A browser session's secrets as the browser sees them once."""

    token: str
    csrf_token: str
    expires_at: datetime


def create_user(session: Session, name: str, password: str, role: Role) -> User:
    """A new user; raises Conflict where the name is taken, BadRequest where name or password will not do.

    Names that differ in case or form alone are one: under a report or in the audit nobody could tell them apart.
    """
    if not name.strip():
        raise BadRequest("a user needs a name", code="bad_user_name")
    if _folded(name) in {_folded(taken) for taken in session.scalars(select(User.name))}:
        raise Conflict("there is a user of this name already", code="user_exists")
    user = User(id=new_id(), name=name.strip(), password_hash=_hashed(password), role=role)
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise Conflict("there is a user of this name already", code="user_exists") from error
    return user


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name.strip()).casefold()


def get_user(session: Session, user_id: str) -> User:
    """The user of this id; raises NotFound."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("there is no user of this id")
    return user


def must_still_sign(session: Session, user_id: str) -> None:
    """Raise Forbidden for who was locked out, or lost the role, while the request waited for its turn."""
    user = session.get(User, user_id, populate_existing=True)
    if user is None or user.disabled_at is not None or Role(user.role) is Role.TECHNICIAN:
        raise Forbidden("you may not sign readings any more; nothing was written")


def find_user(session: Session, name: str) -> User:
    """The user of this name; raises NotFound."""
    user = session.scalar(select(User).filter_by(name=name))
    if user is None:
        raise NotFound("there is no user of this name")
    return user


def list_users(session: Session) -> Sequence[User]:
    """All users, by name."""
    return session.scalars(select(User).order_by(User.name)).all()


def authenticate(session: Session, name: str, password: str) -> User:
    """The enabled user whose password this is; raises NotAuthenticated after the same time in every case."""
    user = session.scalar(select(User).filter_by(name=name))
    known = user.password_hash if user else _hash_of_nobody()
    right = len(password) <= LONGEST_PASSWORD and _hasher().verify(password, known)
    if user is None or not right or user.disabled_at is not None:
        raise NotAuthenticated("name or password is wrong", code="wrong_login")
    return user


def set_password(session: Session, user_id: str, password: str) -> None:
    """Replace the password and end the user's browser sessions."""
    get_user(session, user_id).password_hash = _hashed(password)
    _end_sessions(session, user_id)


def keep_an_admin(session: Session, user_id: str) -> None:
    """Before this user loses the role or is locked out: raises Conflict where no other administrator may log in.

    The administrators' rows are locked, so that two who remove each other at once do not both succeed.
    """
    able = select(User.id).where(User.role == Role.ADMIN, User.disabled_at.is_(None)).order_by(User.id)
    if list(session.scalars(able.with_for_update())) == [user_id]:
        raise Conflict("nobody else may log in as administrator: make another one first", code="last_admin")


def set_role(session: Session, user_id: str, role: Role) -> None:
    """Change what the user may do, from the next request on."""
    get_user(session, user_id).role = role
    session.flush()


def disable_user(session: Session, user_id: str) -> None:
    """Lock the user out and end the browser sessions; the row stays, for reviews name it."""
    get_user(session, user_id).disabled_at = utcnow()
    _end_sessions(session, user_id)


def enable_user(session: Session, user_id: str) -> None:
    """Let a disabled user in again."""
    get_user(session, user_id).disabled_at = None
    session.flush()


def open_session(session: Session, user_id: str, hours: float) -> NewSession:
    """Begin a browser session and forget those that are over."""
    session.execute(delete(BrowserSession).where(BrowserSession.expires_at <= utcnow()))
    token, csrf_token = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES)
    row = BrowserSession(
        id=digest(token),
        user_id=user_id,
        csrf_hash=digest(csrf_token),
        expires_at=seconds_from_now(hours * SECONDS_PER_HOUR),
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return NewSession(token, csrf_token, row.expires_at)


def session_user(session: Session, token: str) -> tuple[User, BrowserSession]:
    """Whose session this token is; raises NotAuthenticated where it is unknown, over, or its user disabled."""
    found = session.execute(
        select(User, BrowserSession)
        .join(BrowserSession, BrowserSession.user_id == User.id)
        .where(BrowserSession.id == digest(token), BrowserSession.expires_at > utcnow(), User.disabled_at.is_(None))
    ).one_or_none()
    if found is None:
        raise NotAuthenticated("the session is over; log in again", code="session_over")
    return found[0], found[1]


def csrf_matches(row: BrowserSession, csrf_token: str) -> bool:
    """Whether the token belongs to the session, compared in constant time."""
    return hmac.compare_digest(row.csrf_hash, digest(csrf_token))


def close_session(session: Session, token: str) -> None:
    """Log out; harmless where the session is over."""
    session.execute(delete(BrowserSession).where(BrowserSession.id == digest(token)))


def create_key(session: Session, name: str, role: Role, created_by: str, site_id: str | None = None) -> NewKey:
    """A new API key; only its sha256 is kept. What it sends belongs to the site, None: to the default one."""
    if not name.strip():
        raise BadRequest("a key needs a name", code="bad_key_name")
    key = KEY_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = ApiKey(
        id=new_id(), name=name.strip(), key_hash=digest(key), role=role, created_by=created_by, site_id=site_id
    )
    session.add(row)
    session.flush()
    return NewKey(row.id, key)


def verify_key(session: Session, key: str) -> ApiKey:
    """The row of a key that is not revoked; raises NotAuthenticated."""
    row = session.scalar(select(ApiKey).where(ApiKey.key_hash == digest(key), ApiKey.revoked_at.is_(None)))
    if row is None:
        raise NotAuthenticated("the API key is unknown or revoked", code="wrong_key")
    return row


def revoke_key(session: Session, key_id: str) -> None:
    """End a key; raises NotFound. Revoking twice is harmless."""
    row = session.get(ApiKey, key_id)
    if row is None:
        raise NotFound("there is no key of this id")
    if row.revoked_at is None:
        row.revoked_at = utcnow()
    session.flush()


def list_keys(session: Session) -> Sequence[ApiKey]:
    """All keys, revoked ones too, newest first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id.desc())).all()


def digest(token: str) -> str:
    """sha256 of a token, as the database holds it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _end_sessions(session: Session, user_id: str) -> None:
    session.execute(delete(BrowserSession).where(BrowserSession.user_id == user_id))


def _hashed(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadRequest(f"a password needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters", code="bad_password")
    return _hasher().hash(password)


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(time_cost=ARGON2_PASSES, memory_cost=ARGON2_KIBIBYTES, parallelism=1),))


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(TOKEN_BYTES))
