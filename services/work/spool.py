"""Where uploaded bytes wait until they are durable: hashed as they are written, cleared away whatever happens."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

from pipelines.core.errors import StorageFull
from services.settings import MEBIBYTE, Settings
from services.store.ids import new_id
from services.store.room import Quota, Room, room_errors

#: The disk is asked how full it is each time this much was written, and at the start of each large file.
ROOM_CHECK_BYTES: Final = 16 * MEBIBYTE
#: No upload lasts so long without writing (a silent sender is given up after a minute), nor does a job, which writes
#: here as well: what is older was left by a killed process, and may be gigabytes.
ABANDONED_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class SpooledFile:
    """A whole file in the spool; `name` is the sender's own and goes back to nobody but the sender."""

    path: Path
    sha256: str
    bytes: int
    name: str


class Spool:
    """One request's folder in the spool, removed with all that is left in it when the block ends.

    One thread at a time writes; others may read the files that are finished.
    """

    def __init__(self, settings: Settings, quota: Quota | None = None) -> None:
        """Nothing is created before the block begins; `quota` is the blob store's, where it has one."""
        self.folder = settings.spool_dir / new_id()
        self._room = Room(settings, quota)
        self._unchecked = 0
        self._open: set[BinaryIO] = set()
        self._users = ExitStack()

    def __enter__(self) -> Self:
        with room_errors():
            self.folder.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._users.close()
        for file in list(self._open):
            self.close_file(file)
        shutil.rmtree(self.folder, ignore_errors=True)

    def before_removal(self, wait: Callable[[], object]) -> None:
        """Call `wait` before the folder goes: somebody may still read its files."""
        self._users.callback(wait)

    def check_room(self, coming: int = 0) -> None:
        """Raise StorageFull where `coming` bytes would not leave free what must stay so; DatabaseUnavailable."""
        self._room.check(coming)

    def begin(self, name: str) -> SpoolWriter:
        """A new file of the sender's name `name`; raises StorageFull."""
        return SpoolWriter(self, self.folder / new_id(), name)

    def open_file(self, path: Path) -> BinaryIO:
        """A new file at `path`, closed at the latest when the block ends; raises StorageFull."""
        with room_errors():
            file = path.open("xb")
        self._open.add(file)
        return file

    def close_file(self, file: BinaryIO) -> None:
        """Close a file of this spool that nobody wants; on a full disk what is still buffered is lost."""
        self._open.discard(file)
        with suppress(StorageFull), room_errors():
            file.close()

    def finish_file(self, file: BinaryIO) -> None:
        """Close a file of this spool that is whole; raises StorageFull."""
        self._open.discard(file)
        with room_errors():
            file.close()

    def wrote(self, size: int) -> None:
        """Account for bytes written, and now and then ask the disk; raises StorageFull."""
        self._unchecked += size
        if self._unchecked >= ROOM_CHECK_BYTES:
            self._unchecked = 0
            self.check_room()


class SpoolWriter:
    """One file being written and hashed; ends in `finish` or `discard`."""

    def __init__(self, spool: Spool, path: Path, name: str) -> None:
        """Creates the file; raises StorageFull."""
        self._spool = spool
        self._path = path
        self._name = name
        self._digest = hashlib.sha256()
        self.bytes = 0
        self._file = spool.open_file(path)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes; raises StorageFull."""
        self._spool.wrote(len(data))
        self._digest.update(data)
        with room_errors():
            self._file.write(data)
        self.bytes += len(data)

    def finish(self) -> SpooledFile:
        """Close the file and say what it is; durability is the blob store's part (Blobs.publish)."""
        self._spool.finish_file(self._file)
        return SpooledFile(self._path, self._digest.hexdigest(), self.bytes, self._name)

    def discard(self) -> None:
        """Forget the file."""
        self._spool.close_file(self._file)
        self._path.unlink(missing_ok=True)


def clean(settings: Settings) -> int:
    """Remove folders that killed processes left in the spool; returns how many."""
    if not settings.spool_dir.is_dir():
        return 0
    newest_to_go = time.time() - max(ABANDONED_SECONDS, settings.job_timeout_seconds)
    abandoned = [path for path in settings.spool_dir.iterdir() if _last_written(path) < newest_to_go]
    for path in abandoned:
        shutil.rmtree(path, ignore_errors=True)
    return len(abandoned)


def _last_written(folder: Path) -> float:
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except (FileNotFoundError, NotADirectoryError):
        return time.time()  # gone, or not ours: its request ended meanwhile
