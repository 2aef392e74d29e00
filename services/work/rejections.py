"""Refuses: a row that says what and why, and the bytes in a quarantine that never grows past its cap."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.core.errors import OverreadError
from services.settings import Settings
from services.store import rejections
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.stores import Store


@dataclass(frozen=True, slots=True)
class Refused:
    """One thing that was refused; `path` is its file in the spool, where there is a file."""

    error: OverreadError
    bytes: int = 0
    path: Path | None = None


def reject(store: Store, settings: Settings, refused: Sequence[Refused], actor: str, source: str) -> None:
    """Write the refusals down and move their bytes into quarantine; the oldest bytes there make room."""
    if not refused:
        return
    ids = [new_id() for _ in refused]
    quarantined = [_quarantine(settings, name, one) for name, one in zip(ids, refused, strict=True)]
    released = _make_room(settings)
    with unit_of_work(store.database) as session:
        for rejection_id, one, name in zip(ids, refused, quarantined, strict=True):
            rejections.add(
                session,
                rejection_id,
                actor=actor,
                source=source,
                code=one.error.code,
                sentence=one.error.sentence,
                size=one.bytes,
                quarantined=None if name in released else name,
            )
        if released:
            rejections.forget_bytes(session, released)


def _quarantine(settings: Settings, name: str, refused: Refused) -> str | None:
    if refused.path is None or not 0 < refused.bytes <= settings.quarantine_max_bytes:
        return None
    settings.quarantine_dir.mkdir(parents=True, exist_ok=True)
    shutil.move(refused.path, settings.quarantine_dir / name)
    return name


def _make_room(settings: Settings) -> set[str]:
    """Remove the oldest files until the rest fit; names are ULIDs, so their order is that of arrival."""
    if not settings.quarantine_dir.is_dir():
        return set()
    sizes = {path: path.stat().st_size for path in sorted(settings.quarantine_dir.iterdir())}
    total, released = sum(sizes.values()), set()
    for path, size in sizes.items():
        if total <= settings.quarantine_max_bytes:
            break
        path.unlink(missing_ok=True)
        total -= size
        released.add(path.name)
    return released
