"""What is stored under a SOP Instance UID, with the digest of what it says (pipelines.imaging.content)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.store.blobs import Published
from services.store.tables import Blob, Instance


@dataclass(frozen=True, slots=True)
class HeldObject:
    """A stored instance; `content_sha256` is None until its content was compared with another's."""

    sop_instance_uid: str
    transfer_syntax: str
    blob: Published
    content_sha256: str | None


def held_under(session: Session, sop_instance_uids: Collection[str]) -> Sequence[HeldObject]:
    """The instances that have one of the UIDs, conflicting ones too, oldest first."""
    rows = session.execute(
        select(Instance.sop_instance_uid, Instance.transfer_syntax, Instance.content_sha256, Blob)
        .join(Blob, Blob.sha256 == Instance.blob_sha256)
        .where(Instance.sop_instance_uid.in_(sop_instance_uids))
        .order_by(Instance.id)
    )
    return [
        HeldObject(uid, syntax, Published(blob.sha256, blob.bytes, blob.media_type, blob.place), content)
        for uid, syntax, content, blob in rows
    ]


def note_contents(session: Session, contents: Mapping[str, str]) -> None:
    """Write down the contents of instances, by the sha256 of their bytes."""
    for sha256, content in sorted(contents.items()):
        session.execute(update(Instance).where(Instance.blob_sha256 == sha256).values(content_sha256=content))
