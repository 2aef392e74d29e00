"""Pictures for the viewer: decoded in the memory-limited child, kept on disk by content and width."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from services.store.blobs import Blobs
from services.work.kept import Kept

SUFFIX: Final = ".jpg"


class Renders(Protocol):
    """The decoder as the viewer needs it (pipelines.imaging.decoder.Decoder)."""

    def rendered(self, path: Path, width: int | None = None) -> bytes:
        """One picture of a stored file as JPEG bytes, at most `width` pixels wide."""


class Pictures:
    """Rendered pictures in one folder, named by the sha256 of the object and the width; safe from several threads."""

    def __init__(self, decoder: Renders, folder: Path, most_bytes: int) -> None:
        """The folder is made when it is needed; past `most_bytes` the pictures not looked at longest go first."""
        self._decoder = decoder
        self._kept = Kept(folder, most_bytes)

    def picture(self, blobs: Blobs, sha256: str, width: int) -> bytes:
        """The object as JPEG; raises what the decoder raises, and NotFound where the bytes are gone."""

        def make() -> bytes:
            with blobs.local_path(sha256) as path:
                return self._decoder.rendered(path, width)

        return self._kept.get(f"{sha256}-{width}{SUFFIX}", make)
