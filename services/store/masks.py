"""Outlines as readers corrected them: append-only, numbered within a slot, beside the model's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.store.blobs import Published
from services.store.tables import Result, ReviewMask, User


@dataclass(frozen=True, slots=True)
class MaskVolume:
    """A structure's volume in a reader's outline: the finding it is the value of, in millilitres."""

    label: str
    laterality: str | None
    value: float
    voxels: int


@dataclass(frozen=True, slots=True)
class NewMask:
    """An outline as it is to be written; its bytes are published already."""

    user_id: str
    base_mask_id: str | None
    blob: Published
    volumes: tuple[MaskVolume, ...]


@dataclass(frozen=True, slots=True)
class ReadersMask:
    """An outline and the name of who drew it."""

    mask: ReviewMask
    reader: str


def of_result(session: Session, result_id: str) -> Sequence[ReadersMask]:
    """The outlines drawn on a result, in the order they were saved."""
    drawn = select(ReviewMask, User.name).join(User, User.id == ReviewMask.user_id)
    rows = session.execute(drawn.where(ReviewMask.result_id == result_id).order_by(ReviewMask.number))
    return [ReadersMask(mask, name) for mask, name in rows]


def add(session: Session, result: Result, new: NewMask) -> ReviewMask:
    """Append an outline with the slot's next number; two writers of one number collide (IntegrityError)."""
    last = session.scalar(select(func.max(ReviewMask.number)).where(ReviewMask.slot_id == result.slot_id)) or 0
    row = ReviewMask(
        slot_id=result.slot_id,
        result_id=result.id,
        number=last + 1,
        user_id=new.user_id,
        base_mask_id=new.base_mask_id,
        media_type=new.blob.media_type,
        bytes=new.blob.bytes,
        blob_sha256=new.blob.sha256,
        volumes=[
            {"label": one.label, "laterality": one.laterality, "value": one.value, "voxels": one.voxels}
            for one in new.volumes
        ],
    )
    session.add(row)
    session.flush()
    return row
