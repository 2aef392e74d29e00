"""Kept pictures: several API processes share one folder of them."""

from __future__ import annotations

import errno
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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


def test_a_picture_that_a_full_disk_cannot_keep_is_shown_all_the_same(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = store.blobs.publish_bytes(b"an image", "application/dicom", scratch=tmp_path / "scratch")

    def full(**options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    assert len(Pictures(Painter(), tmp_path / "kept", most_bytes=5000).picture(store.blobs, blob.sha256, 300)) == 300
