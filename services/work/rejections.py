"""Refuses: a row that says what and why, and the bytes in a quarantine that never grows past its cap."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipelines.core.errors import OverreadError
from services.settings import OWNER_ONLY, Settings
from services.store import rejections
from services.store.ids import new_id
from services.store.room import room_errors
from services.store.session import unit_of_work
from services.store.stores import Store


@dataclass(frozen=True, slots=True)
class Refused:
    """One thing that was refused; `path` is its file in the spool, where there is a file."""

    error: OverreadError
    bytes: int = 0
    path: Path | None = None


def reject(store: Store, settings: Settings, refused: Sequence[Refused], actor: str, source: str) -> None:
    """Write the refusals down and move their bytes into quarantine; the oldest bytes there make room.

    The rows are there before the files: whoever makes room, here or in another process, finds the row of what goes.
    Raises DatabaseUnavailable, and StorageFull where the quarantine's disk has no room.
    """
    if not refused:
        return
    named = [(new_id(), one) for one in refused]
    with unit_of_work(store.database) as session:
        for name, one in named:
            rejections.add(
                session,
                name,
                actor=actor,
                source=source,
                code=one.error.code,
                sentence=one.error.sentence,
                size=one.bytes,
                quarantined=name if _fits(settings, one) else None,
            )
    with room_errors():
        settings.quarantine_dir.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        for name, one in named:
            if one.path is not None and _fits(settings, one):
                shutil.move(one.path, settings.quarantine_dir / name)
    released = _make_room(settings)
    if released:
        with unit_of_work(store.database) as session:
            rejections.forget_bytes(session, released)


def _fits(settings: Settings, refused: Refused) -> bool:
    return refused.path is not None and 0 < refused.bytes <= settings.quarantine_max_bytes


def _make_room(settings: Settings) -> set[str]:
    """Remove the oldest files until the rest fit; names are ULIDs, so their order is that of arrival."""
    sizes: dict[str, int] = {}
    with os.scandir(settings.quarantine_dir) as lying:  # a hundred thousand may: pathlib takes three times as long
        for entry in lying:
            with suppress(FileNotFoundError):  # another sender made room as well
                sizes[entry.name] = entry.stat().st_size
    total = sum(sizes.values())
    released: set[str] = set()
    if total <= settings.quarantine_max_bytes:
        return released
    for name in sorted(sizes):
        if total <= settings.quarantine_max_bytes:
            break
        (settings.quarantine_dir / name).unlink(missing_ok=True)
        total -= sizes[name]
        released.add(name)
    return released
