"""How readers read: before they see the machine, twice where a rule asks, with outlines of their own."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column

from services.store.ids import ULID_LENGTH
from services.store.tables.columns import Bytes, Id, Json, Line, Now, Table, Time, Word, refers, to


class BlindRead(Table):
    """What a reader said before the machine's answer was shown (append-only); one a reader and slot."""

    __tablename__ = "blind_reads"
    __table_args__ = (UniqueConstraint("slot_id", "user_id"), Index("ix_blind_reads_reader", "user_id", "id"))
    id: Mapped[Id]
    slot_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("slots.id"))
    result_id: Mapped[str] = to("results.id")  # the machine's answer then, withheld until this row
    user_id: Mapped[str] = refers("users.id")
    findings: Mapped[Json]
    ungradable: Mapped[bool] = mapped_column(server_default=false())  # the reader says that nothing can be said
    comment: Mapped[Line | None]
    seconds: Mapped[float | None]  # from the pictures to the word
    created_at: Mapped[Now]


class ReadingRule(Table):
    """When a second reader is asked; a change ends the old rule and makes a new one."""

    __tablename__ = "reading_rules"
    id: Mapped[Id]
    name: Mapped[Line]
    pipeline: Mapped[Word | None]  # any where null
    share: Mapped[float] = mapped_column(server_default="0")  # of all signed slots, 0-1, drawn by the slot's id
    urgencies: Mapped[Json]  # those of the machine's answer that always ask for one
    on_abstained: Mapped[bool] = mapped_column(server_default=false())  # the machine abstained
    on_disagreement: Mapped[bool] = mapped_column(server_default=false())  # the first reader edited or rejected
    blinded: Mapped[bool] = mapped_column(server_default=true())  # the second reader sees neither the first nor machine
    created_by: Mapped[Word]
    created_at: Mapped[Now]
    ended_at: Mapped[Time | None]


class SecondRead(Table):
    """A slot that a rule sent to a second reader when it was first signed (append-only)."""

    __tablename__ = "second_reads"
    id: Mapped[Id]
    slot_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("slots.id"), unique=True)
    rule_id: Mapped[str] = to("reading_rules.id")
    reason: Mapped[Word]  # share, urgency, abstained, disagreement
    blinded: Mapped[bool] = mapped_column(server_default=true())
    created_at: Mapped[Now]


class ReviewMask(Table):
    """An outline as a reader corrected it (append-only), beside the model's and never over it."""

    __tablename__ = "review_masks"
    __table_args__ = (UniqueConstraint("slot_id", "number"),)
    id: Mapped[Id]
    slot_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("slots.id"))
    result_id: Mapped[str] = to("results.id")
    number: Mapped[int]
    user_id: Mapped[str] = to("users.id")
    base_mask_id: Mapped[str | None] = refers("review_masks.id")  # null: from the model's outline
    media_type: Mapped[Word]
    bytes: Mapped[Bytes]
    blob_sha256: Mapped[str] = to("blobs.sha256")
    volumes: Mapped[Json]  # [{label, laterality, value in ml, voxels}] of every structure
    created_at: Mapped[Now]
