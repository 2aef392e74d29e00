"""Pictures for the viewer: decoded in the memory-limited child, kept on disk by content and width, capped."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from services.log import logger
from services.store.blobs import Blobs

log = logger("api")

#: Of the cap: what is left after the oldest pictures went, so that not every new picture has to look at the folder.
KEPT_SHARE: Final = 0.8
SUFFIX: Final = ".jpg"


class Renders(Protocol):
    """The decoder as the viewer needs it (pipelines.imaging.decoder.Decoder)."""

    def rendered(self, path: Path, width: int | None = None) -> bytes:
        """One frame of a DICOM object as JPEG bytes, at most `width` pixels wide."""


class Pictures:
    """Rendered pictures in one folder, named by the sha256 of the object and the width; safe from several threads."""

    def __init__(self, decoder: Renders, folder: Path, most_bytes: int) -> None:
        """The folder is made when it is needed; past `most_bytes` the pictures not looked at longest go first."""
        self._decoder = decoder
        self._folder = folder
        self._most_bytes = most_bytes
        self._bytes: int | None = None  # unknown until the folder was looked at
        self._lock = threading.Lock()

    def picture(self, blobs: Blobs, sha256: str, width: int) -> bytes:
        """The object as JPEG; raises what the decoder raises, and NotFound where the bytes are gone."""
        kept = self._folder / f"{sha256}-{width}{SUFFIX}"
        try:
            content = kept.read_bytes()
            os.utime(kept)  # looked at now
        except FileNotFoundError:
            with blobs.local_path(sha256) as path:
                content = self._decoder.rendered(path, width)
            try:
                self._keep(kept, content)
            except OSError as error:
                # The picture is there to be seen; a disk too full to keep it is the operator's news, not the reader's.
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
