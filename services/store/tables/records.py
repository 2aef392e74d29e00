"""What is told, delivered, audited, kept and removed."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.store.ids import ULID_LENGTH
from services.store.tables.columns import Id, Json, Line, Now, Sha256, Table, Time, Word, to


class Delivery(Table):
    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("result_id", "destination"), Index("ix_deliveries_state", "state", "id"))
    id: Mapped[Id]
    result_id: Mapped[str] = to("results.id")
    destination: Mapped[Word]
    state: Mapped[Word]  # DeliveryState
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[Time | None]
    error: Mapped[Line | None]
    created_at: Mapped[Now]


class OutboxEvent(Table):
    """Written in the change's transaction; one publisher numbers rows after commit, so readers never skip one."""

    __tablename__ = "outbox"
    id: Mapped[Id]
    topic: Mapped[Word]  # study, job, result, review, batch
    study_id: Mapped[str | None] = mapped_column(String(ULID_LENGTH), index=True)
    payload: Mapped[Json]  # ids and states only
    number: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    created_at: Mapped[Now]


class AuditRow(Table):
    """Who did what to which ids (append-only); sealed afterwards by one writer into `audit_seals`."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_access", "actor", "action", "study_id", "created_at"),
        Index("ix_audit_actor", "actor", "id"),
        Index("ix_audit_action", "action", "id"),
    )
    id: Mapped[Id]
    actor: Mapped[Word]  # user:<id>, key:<id>, system
    action: Mapped[Word]
    study_id: Mapped[str | None] = mapped_column(String(ULID_LENGTH), index=True)
    subjects: Mapped[Json]  # ids and words only
    created_at: Mapped[Now]


class AuditSeal(Table):
    """One link of the chain a row (append-only): hash = sha256(previous hash, canonical JSON of the audit row)."""

    __tablename__ = "audit_seals"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    audit_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("audit.id"), unique=True)
    previous_hash: Mapped[Sha256]
    hash: Mapped[Sha256]


class RetentionPolicy(Table):
    """What may be removed after how long; acts only once a person has looked at what it would remove."""

    __tablename__ = "retention_policies"
    id: Mapped[Id]
    name: Mapped[Word] = mapped_column(unique=True)
    states: Mapped[Json]  # list of RetentionState
    older_than_days: Mapped[int]
    pipeline: Mapped[Word | None]
    approved_by: Mapped[Word | None]  # None: only previews
    approved_at: Mapped[Time | None]
    created_by: Mapped[Word]
    created_at: Mapped[Now]
    removed_at: Mapped[Time | None]


class Alarm(Table):
    """Something a person must see to; one open row a code, kept with its times when it is over."""

    __tablename__ = "alarms"
    __table_args__ = (Index("ix_alarms_open", "code", "cleared_at"),)
    id: Mapped[Id]
    code: Mapped[Word]
    detail: Mapped[Line]
    raised_at: Mapped[Now]
    cleared_at: Mapped[Time | None]
