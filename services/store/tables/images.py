"""What was received, byte for byte: blobs, the instances they hold, and what was refused."""

from __future__ import annotations

from sqlalchemy import String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from services.store.tables.columns import SHA256_LENGTH, Bytes, Id, Line, Now, Table, Time, Uid, Word, to


class Blob(Table):
    """A row exists only after the durable file; a tombstone says when retention removed the bytes."""

    __tablename__ = "blobs"
    sha256: Mapped[str] = mapped_column(String(SHA256_LENGTH), primary_key=True)
    bytes: Mapped[Bytes]
    media_type: Mapped[Word]
    place: Mapped[Line]
    created_at: Mapped[Now]
    removed_at: Mapped[Time | None]


class Instance(Table):
    """Another object under one SOP Instance UID is a conflict: kept and flagged."""

    __tablename__ = "instances"
    __table_args__ = (UniqueConstraint("sop_instance_uid", "blob_sha256"),)
    id: Mapped[Id]
    series_id: Mapped[str] = to("series.id")
    sop_instance_uid: Mapped[Uid]
    sop_class_uid: Mapped[Uid]
    transfer_syntax: Mapped[Uid]
    blob_sha256: Mapped[str] = to("blobs.sha256")
    content_sha256: Mapped[Word | None]  # of what the object says, once it was compared with another
    source_sha256: Mapped[str | None] = to("blobs.sha256")  # the photograph as it was sent
    instance_number: Mapped[int | None]
    laterality: Mapped[Word | None]
    rows: Mapped[int | None]
    columns: Mapped[int | None]
    frames: Mapped[int | None]
    conflict: Mapped[bool] = mapped_column(server_default=false())
    flag: Mapped[Word | None]  # e.g. same_picture: these bytes are also stored under another patient or eye
    received_at: Mapped[Now]


class Rejection(Table):
    """What was refused, from whom and why; the bytes lie in a capped quarantine where there was room."""

    __tablename__ = "rejections"
    id: Mapped[Id]
    actor: Mapped[Word]
    source: Mapped[Word]
    code: Mapped[Word] = mapped_column(index=True)
    sentence: Mapped[Line]
    bytes: Mapped[Bytes]
    quarantined: Mapped[Word | None]  # name in the quarantine folder
    created_at: Mapped[Now]
