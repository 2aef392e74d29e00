"""What columns are made of, and the base of all tables. Ids are ULIDs; times are UTC and set by the database."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, ForeignKey, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column

from services.store.clock import UtcDateTime, utcnow
from services.store.ids import ULID_LENGTH, new_id

SHA256_LENGTH = 64
UID_LENGTH = 64  # PS3.5 section 6.2, VR UI

Id = Annotated[str, mapped_column(String(ULID_LENGTH), primary_key=True, default=new_id)]
Sha256 = Annotated[str, mapped_column(String(SHA256_LENGTH))]
Uid = Annotated[str, mapped_column(String(UID_LENGTH))]
Word = Annotated[str, mapped_column(String(64))]
Line = Annotated[str, mapped_column(String(1024))]
Long = Annotated[str, mapped_column(Text)]
Bytes = Annotated[int, mapped_column(BigInteger)]
#: Any: JSON documents are checked where they are made (pydantic, reading_json).
Json = Annotated[Any, mapped_column(JSON)]
Now = Annotated[datetime, mapped_column(UtcDateTime, server_default=utcnow())]
Time = Annotated[datetime, mapped_column(UtcDateTime)]


def to(target: str) -> Any:  # Any: SQLAlchemy's own annotation of mapped_column()
    """An indexed foreign key of ULID or sha256 width."""
    length = SHA256_LENGTH if target.endswith("sha256") else ULID_LENGTH
    return mapped_column(String(length), ForeignKey(target), index=True)


def refers(target: str) -> Any:  # Any: as above
    """A foreign key that no query looks rows up by, or that begins a wider index."""
    return mapped_column(String(ULID_LENGTH), ForeignKey(target))


class Table(DeclarativeBase):
    """Base of all tables; constraint names are fixed so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
