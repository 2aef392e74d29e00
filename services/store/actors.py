"""The names behind actors: an audit row says `user:<id>`, a person wants to read who that is."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store.tables import ApiKey, User


def names_of(session: Session, actors: Collection[str]) -> Mapping[str, str]:
    """The name of each actor that is a user or an API key; those of the system have none."""
    users = select(User.id, User.name).where(User.id.in_(_ids(actors, "user")))
    keys = select(ApiKey.id, ApiKey.name).where(ApiKey.id.in_(_ids(actors, "key")))
    return {
        **{f"user:{row.id}": row.name for row in session.execute(users)},
        **{f"key:{row.id}": row.name for row in session.execute(keys)},
    }


def _ids(actors: Collection[str], kind: str) -> list[str]:
    parts = (actor.partition(":") for actor in actors)
    return sorted({rest for found, _, rest in parts if found == kind})
