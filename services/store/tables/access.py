"""Who may ask, and what they asked before."""

from __future__ import annotations

from sqlalchemy import String, false
from sqlalchemy.orm import Mapped, mapped_column

from services.store.tables.columns import SHA256_LENGTH, Id, Json, Line, Now, Sha256, Table, Time, Word, refers, to


class User(Table):
    __tablename__ = "users"
    id: Mapped[Id]
    name: Mapped[Word] = mapped_column(unique=True)
    password_hash: Mapped[Line]
    role: Mapped[Word]  # Role
    blind_first: Mapped[bool] = mapped_column(server_default=false())  # reads before the machine is shown
    disabled_at: Mapped[Time | None]
    created_at: Mapped[Now]


class BrowserSession(Table):
    """`id` and `csrf_hash` are sha256 of the tokens: the database never holds the tokens."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(String(SHA256_LENGTH), primary_key=True)
    user_id: Mapped[str] = to("users.id")
    csrf_hash: Mapped[Sha256]
    created_at: Mapped[Now]
    expires_at: Mapped[Time]


class ApiKey(Table):
    __tablename__ = "api_keys"
    id: Mapped[Id]
    name: Mapped[Word]
    key_hash: Mapped[Sha256] = mapped_column(unique=True)
    role: Mapped[Word]  # Role
    created_by: Mapped[Word]
    site_id: Mapped[str | None] = refers("sites.id")  # whose studies it sends; null: of the default site
    created_at: Mapped[Now]
    revoked_at: Mapped[Time | None]


class IdempotencyKey(Table):
    __tablename__ = "idempotency_keys"
    credential: Mapped[Word] = mapped_column(primary_key=True)
    route: Mapped[Line] = mapped_column(primary_key=True)
    key: Mapped[Line] = mapped_column(primary_key=True)
    request_digest: Mapped[Sha256]
    status: Mapped[int | None]
    answer: Mapped[Json | None]
    created_at: Mapped[Now]
