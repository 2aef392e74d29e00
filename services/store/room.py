"""How much room there is: on the disks of spool, blobs and database, and within the quota of stored bytes."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import func, make_url, select

from pipelines.core.errors import StorageFull
from services.settings import MEBIBYTE, Settings
from services.store.session import Database, unit_of_work
from services.store.tables import Blob

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
#: A full disk takes images again once this much more than the reserve is free, or each byte freed would be filled.
RESUME: Final = 1.25
#: Of the quota: where the alarm is raised, where intake stops so that accepted studies can still be read, and below
#: which it goes on.
QUOTA_LOW, QUOTA_FULL, QUOTA_RESUME = 0.90, 0.95, 0.93
#: How long a count of the stored bytes counts; what other processes store meanwhile may pass the quota.
QUOTA_SECONDS: Final = 5.0


@contextmanager
def room_errors() -> Iterator[None]:
    """Raise StorageFull where a disk, or the user's quota on it, has no room."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull from error
        raise


class Quota:
    """The most bytes that the blob store may hold, over all processes; safe from several threads."""

    def __init__(self, database: Database, most_bytes: int) -> None:
        """Nothing is counted yet."""
        self._database = database
        self.most_bytes = most_bytes
        self._used = 0
        self._counted_at = float("-inf")
        self._lock = Lock()

    def used(self) -> int:
        """Stored bytes, counted a moment ago, and what this process stored since. Raises DatabaseUnavailable."""
        with self._lock:
            if time.monotonic() - self._counted_at > QUOTA_SECONDS:
                self._count()
            return self._used

    def take(self, coming: int) -> None:
        """Account for bytes about to be stored. Raises StorageFull where they do not fit, DatabaseUnavailable."""
        self.used()
        with self._lock:
            if self._used + coming > self.most_bytes:
                self._count()  # something may have been removed since
            if self._used + coming > self.most_bytes:
                raise StorageFull("the quota of stored bytes is used up; nothing was stored")
            self._used += coming

    def _count(self) -> None:
        with unit_of_work(self._database, writing=False) as session:
            stored = select(func.coalesce(func.sum(Blob.bytes), 0)).where(Blob.removed_at.is_(None))
            self._used = int(session.scalar(stored) or 0)
        self._counted_at = time.monotonic()


@dataclass(frozen=True, slots=True)
class Level:
    """How full one place is, in bytes: what is left, and its marks."""

    name: str
    left: int
    stop: int  # below, images are refused
    resume: int  # from here they are taken again
    low: int  # below, a person is told
    total: int  # what the place holds when it is empty

    def is_full(self, coming: int = 0, *, was_full: bool = False) -> bool:
        """Whether `coming` bytes are too many; one that was full is so until it is well above its mark."""
        return self.left - coming < (self.resume if was_full else self.stop)

    @property
    def is_low(self) -> bool:
        """Whether a person should make room."""
        return self.left < self.low

    @property
    def sentence(self) -> str:
        """For an alarm: no path in it."""
        return f"{self.name}: {max(self.left, 0) // MEBIBYTE} MiB left"


class Room:
    """The places of these settings; asked by everything that takes images in."""

    def __init__(self, settings: Settings, quota: Quota | None = None) -> None:
        """Nothing is measured yet; without `quota` only the disks are looked at."""
        self._settings = settings
        self._quota = quota

    def levels(self) -> list[Level]:
        """Each disk once, and the quota. Raises DatabaseUnavailable."""
        levels = [self._disk(name, path) for name, path in disks(self._settings)]
        if self._quota is not None:
            levels.append(_of_quota(self._quota))
        return levels

    def check(self, coming: int = 0, *, was_full: bool = False) -> None:
        """Raise StorageFull where `coming` bytes more leave less than is kept free; DatabaseUnavailable."""
        full = [level.name for level in self.levels() if level.is_full(coming, was_full=was_full)]
        if full:
            verb = "is" if len(full) == 1 else "are"
            raise StorageFull(f"{' and '.join(full)} {verb} nearly full; nothing was stored")

    def _disk(self, name: str, path: Path) -> Level:
        stop = self._settings.disk_reserve_bytes
        low = max(self._settings.disk_low_bytes, stop)
        usage = shutil.disk_usage(path)
        return Level(name, usage.free, stop, int(stop * RESUME), low, usage.total)


def disks(settings: Settings) -> list[tuple[str, Path]]:
    """The disks that images, their spool and the database lie on: what each is called, and a folder on it."""
    found: dict[int, tuple[list[str], Path]] = {}
    for name, path in _places(settings):
        folder = next(one for one in (path, *path.parents) if one.exists())
        found.setdefault(folder.stat().st_dev, ([], folder))[0].append(name)
    return [(f"the disk of {', '.join(names)}", folder) for names, folder in found.values()]


def _places(settings: Settings) -> Sequence[tuple[str, Path]]:
    """What lies on this machine; how full an object store or a database server is, only they know."""
    places = [("spool", settings.spool_dir.resolve())]
    blobs = urlsplit(settings.resolved_blob_url)
    if blobs.scheme in {"", "file", "local"}:
        places.append(("blobs", Path(blobs.path)))
    database = make_url(settings.resolved_database_url)
    if database.get_backend_name() == "sqlite" and database.database:
        places.append(("database", Path(database.database).parent))
    return places


def _of_quota(quota: Quota) -> Level:
    most = quota.most_bytes
    return Level(
        "the quota of stored bytes",
        most - quota.used(),
        stop=round(most * (1 - QUOTA_FULL)),
        resume=round(most * (1 - QUOTA_RESUME)),
        low=round(most * (1 - QUOTA_LOW)),
        total=most,
    )
