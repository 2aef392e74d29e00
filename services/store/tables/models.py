"""The registered models and their states."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.store.ids import ULID_LENGTH
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


class ResultFigures(Table):
    """What is counted of a result (a projection, written with it), so that drift is watched without its documents."""

    __tablename__ = "result_figures"
    __table_args__ = (Index("ix_result_figures_model", "model_name", "model_version", "role", "day", "result_id"),)
    result_id: Mapped[str] = mapped_column(String(ULID_LENGTH), ForeignKey("results.id"), primary_key=True)
    model_name: Mapped[Word]
    model_version: Mapped[Word]
    role: Mapped[Word]  # JobRole
    day: Mapped[date]  # UTC
    label: Mapped[Word | None]  # of the finding that is counted, e.g. dr_grade of the patient
    category: Mapped[Word | None]  # its class
    value: Mapped[float | None]  # its number: probability of referable disease, volume in ml
    confidence: Mapped[float | None]  # 0-1
    quality: Mapped[float | None]  # 0-1, of the worst image
    gradable: Mapped[bool]
    abstained: Mapped[bool]
    reliable: Mapped[bool | None]  # whether the explanation may be trusted; null where there is none
