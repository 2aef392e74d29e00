"""Faults that are planted in the processes of a system under test: a disk that has no room, now and then."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.settings import Settings

FOLDER: Final = "selftest"
_NO_SPACE: Final = "no-space"
_BUG: Final = "bug"
#: Some writes must get through while the disk is full, so that it fails in the middle of things too.
_SHARE: Final = 0.5
_WRITING: Final = frozenset("wxa+")


@dataclass(frozen=True, slots=True)
class Faults:
    """Notes in the data folder by which the self-test tells the processes of its system what should fail."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> Faults:
        """The notes of the system with these settings."""
        return cls(settings.data_dir.resolve() / FOLDER)

    @contextmanager
    def no_space(self) -> Iterator[None]:
        """For the time of the block about half of all writes find no room."""
        note = self.folder / _NO_SPACE
        note.touch()
        try:
            yield
        finally:
            note.unlink()

    def has_space(self) -> bool:
        """Whether this write finds room."""
        return not (self.folder / _NO_SPACE).exists() or random.random() > _SHARE

    def plant(self, bug: str | None) -> None:
        """Have processes that start from now on carry a bug."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if bug is not None:
            (self.folder / _BUG).write_text(bug)

    @property
    def bug(self) -> str | None:
        """The bug to carry."""
        note = self.folder / _BUG
        return note.read_text() if note.exists() else None


def install(faults: Faults) -> None:
    """Let this process's writes below the data folder, and its syncs of the disk, fail as the notes say.

    The standard library is where every write passes: the services themselves know nothing of it.
    """
    fsync, opened = os.fsync, Path.open
    data = faults.folder.parent

    def failing_fsync(descriptor: Any) -> None:  # Any: os.fsync's own
        if not faults.has_space():
            raise _full()
        fsync(descriptor)

    def failing_open(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:  # Any: Path.open's own
        if not _WRITING.isdisjoint(mode) and path.is_relative_to(data) and not faults.has_space():
            raise _full()
        return opened(path, mode, *rest, **named)

    os.fsync = failing_fsync  # type: ignore[assignment]
    Path.open = failing_open  # type: ignore[method-assign, assignment]


def _full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
