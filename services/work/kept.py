"""What was made from stored bytes and may be asked for again: kept on disk by name, capped, the oldest goes first."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.log import logger

log = logger("api")

#: Of the cap: what is left after the oldest files went, so that not every new file has to look at the folder.
KEPT_SHARE: Final = 0.8


class Kept:
    """Files in one folder, each under a name that says all it depends on; safe from several threads and processes."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """The folder is made when it is needed; past `most_bytes` the files not looked at longest go first."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._bytes: int | None = None  # unknown until the folder was looked at
        self._lock = threading.Lock()

    def get(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The content of this name, made where it is not kept; raises what `make` raises."""
        kept = self._folder / name
        try:
            content = kept.read_bytes()
            os.utime(kept)  # looked at now
        except FileNotFoundError:
            content = make()
            try:
                self._keep(kept, content)
            except OSError as error:
                # It is there to be seen; a disk too full to keep it is the operator's news, not the reader's.
                log.warning("picture.not_kept", errno=error.errno)
        return content

    def _keep(self, kept: Path, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            try:
                file.write(content)
                file.flush()
            except OSError:
                Path(file.name).unlink()
                raise
        with suppress(FileNotFoundError):  # another process took it for the oldest
            Path(file.name).replace(kept)
        with self._lock:
            self._bytes = self._total() if self._bytes is None else self._bytes + len(content)
            if self._bytes > self._most_bytes:
                self._bytes = self._shrink()

    def _total(self) -> int:
        return sum(facts.st_size for _, facts in self._files())

    def _shrink(self) -> int:
        files = sorted(self._files(), key=_last_look)
        total = sum(facts.st_size for _, facts in files)
        for path, facts in files:
            if total <= self._most_bytes * KEPT_SHARE:
                break
            path.unlink(missing_ok=True)
            total -= facts.st_size
        return total

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """What lies in the folder; other processes add to it and take from it meanwhile."""
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                yield path, path.stat()


def _last_look(file: tuple[Path, os.stat_result]) -> float:
    return file[1].st_mtime
