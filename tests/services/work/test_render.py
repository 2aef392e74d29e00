"""Kept pictures: several API processes share one folder of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.store.stores import Store
from services.work.render import Pictures

WIDTHS = range(300, 500)


class Painter:
    """A decoder whose pictures have a known size."""

    def rendered(self, path: Path, width: int | None = None) -> bytes:
        """`width` bytes."""
        return bytes(width or 0)


def test_processes_that_keep_and_drop_pictures_at_once_do_not_stumble(store: Store, tmp_path: Path) -> None:
    blob = store.blobs.publish_bytes(b"an image", "application/dicom", scratch=tmp_path / "scratch")
    processes = [Pictures(Painter(), tmp_path / "kept", most_bytes=5000) for _ in range(4)]

    def look(pictures: Pictures) -> list[int]:
        return [len(pictures.picture(store.blobs, blob.sha256, width)) for width in WIDTHS]

    with ThreadPoolExecutor(len(processes)) as threads:
        assert list(threads.map(look, processes)) == [list(WIDTHS)] * len(processes)
