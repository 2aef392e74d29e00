"""The registered models and their states."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.store.tables.columns import Id, Json, Line, Long, Now, Sha256, Table, Word, to


class ModelVersion(Table):
    """A registered bundle; the bundle itself is a content-addressed tar blob workers fetch and cache."""

    __tablename__ = "model_versions"
    __table_args__ = (UniqueConstraint("name", "version"),)
    id: Mapped[Id]
    name: Mapped[Word]
    version: Mapped[Word]
    sha256: Mapped[Sha256] = mapped_column(unique=True)  # of the bundle's tar: configuration and weights
    weights_sha256: Mapped[Sha256]
    pipeline: Mapped[Word]
    bundle_sha256: Mapped[str] = to("blobs.sha256")
    thresholds: Mapped[Json]
    facts: Mapped[Json]  # configs/metadata.json
    card: Mapped[Long]
    created_at: Mapped[Now]


class ModelEvent(Table):
    """Registered, shadow, active, retired: by whom and why (append-only); the newest event is the state."""

    __tablename__ = "model_events"
    id: Mapped[Id]
    model_version_id: Mapped[str] = to("model_versions.id")
    state: Mapped[Word]  # ModelState
    actor: Mapped[Word]
    reason: Mapped[Line]
    comparison: Mapped[Json | None]  # the figures of the shadow comparison that the decision rested on
    created_at: Mapped[Now]
