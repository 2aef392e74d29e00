"""Blobs: durable under their digest, in a local folder and on S3."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from pipelines.core.errors import BytesGone, NotFound, StorageFull
from services.store import blobs as blobs_module
from services.store.blobs import Blobs
from services.store.clock import utcnow
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Blob

CONTENT = b"some bytes" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def spooled(tmp_path: Path, content: bytes = CONTENT) -> Path:
    """A file as intake leaves it in the spool."""
    path = tmp_path / "spooled"
    path.write_bytes(content)
    return path


def test_published_bytes_are_read_back(blobs: Blobs, tmp_path: Path) -> None:
    published = blobs.publish(spooled(tmp_path), DIGEST, "application/dicom")
    assert (published.sha256, published.bytes) == (DIGEST, len(CONTENT))
    with blobs.open(DIGEST) as file:
        assert file.read() == CONTENT
    with blobs.local_path(DIGEST) as path:
        assert path.read_bytes() == CONTENT
    assert (blobs.exists(DIGEST), blobs.size(DIGEST), blobs.digest(DIGEST)) == (True, len(CONTENT), DIGEST)


def test_a_part_of_a_blob_can_be_read(blobs: Blobs, tmp_path: Path) -> None:
    blobs.publish(spooled(tmp_path), DIGEST, "application/dicom")
    with blobs.open(DIGEST) as file:
        file.seek(5)
        assert file.read(5) == CONTENT[5:10]


def test_publishing_twice_is_harmless_and_takes_the_file_away(blobs: Blobs, tmp_path: Path) -> None:
    for _ in range(2):
        path = spooled(tmp_path)
        blobs.publish(path, DIGEST, "application/dicom")
        assert not path.exists()
    assert blobs.digest(DIGEST) == DIGEST


def test_a_blob_that_is_not_there_is_not_found(blobs: Blobs) -> None:
    assert not blobs.exists(DIGEST)
    with pytest.raises(NotFound):
        blobs.size(DIGEST)
    with pytest.raises(NotFound), blobs.open(DIGEST) as file:
        file.read()
    with pytest.raises(NotFound), blobs.local_path(DIGEST):
        pass


def test_removing_twice_is_harmless(blobs: Blobs, tmp_path: Path) -> None:
    blobs.publish(spooled(tmp_path), DIGEST, "application/dicom")
    blobs.remove(DIGEST)
    blobs.remove(DIGEST)
    assert not blobs.exists(DIGEST)


def test_many_files_are_published_in_one_go(blobs: Blobs, tmp_path: Path) -> None:
    contents = [f"content {number}".encode() for number in range(10)]
    files = []
    for number, content in enumerate(contents):
        path = tmp_path / f"spooled-{number}"
        path.write_bytes(content)
        files.append((path, hashlib.sha256(content).hexdigest(), "application/dicom"))
    published = blobs.publish_many(files)
    assert [blobs.digest(blob.sha256) for blob in published] == [sha256 for _, sha256, _ in files]


def test_a_local_file_is_synced_before_its_name_and_the_name_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        steps.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        sync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    Blobs(f"file://{tmp_path / 'blobs'}").publish(spooled(tmp_path), DIGEST, "application/dicom")
    assert steps == ["sync spooled", "rename", f"sync {DIGEST[:2]}", "sync blobs"]


def test_a_spool_on_another_disk_is_copied_beside_the_blob_first(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    path = elsewhere / f"overread-{os.getpid()}"
    path.write_bytes(CONTENT)
    blobs = Blobs(f"file://{tmp_path / 'blobs'}")
    blobs.publish(path, DIGEST, "application/dicom")
    assert blobs.digest(DIGEST) == DIGEST
    assert not path.exists()
    assert [file.name for file in (tmp_path / "blobs").rglob("*") if file.is_file()] == [DIGEST]


def test_a_full_disk_is_storage_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(blobs_module, "_move", full)
    with pytest.raises(StorageFull):
        Blobs(f"file://{tmp_path / 'blobs'}").publish(spooled(tmp_path), DIGEST, "application/dicom")


def test_a_blob_sent_again_after_retention_removed_it_counts_again(each_store: Store, tmp_path: Path) -> None:
    published = each_store.blobs.publish(spooled(tmp_path), DIGEST, "application/dicom")
    with unit_of_work(each_store.database) as session:
        each_store.blobs.record(session, published)
        session.get_one(Blob, DIGEST).removed_at = utcnow()
    with unit_of_work(each_store.database) as session:
        each_store.blobs.record(session, published)
        each_store.blobs.record(session, published)
        assert session.scalars(text("SELECT count(*) FROM blobs WHERE removed_at IS NULL")).one() == 1


def test_a_row_is_not_written_for_bytes_that_are_gone(each_store: Store, tmp_path: Path) -> None:
    published = each_store.blobs.publish(spooled(tmp_path), DIGEST, "application/dicom")
    each_store.blobs.remove(DIGEST)
    with pytest.raises(BytesGone), unit_of_work(each_store.database) as session:
        each_store.blobs.record(session, published)
    with unit_of_work(each_store.database, writing=False) as session:
        assert session.get(Blob, DIGEST) is None


def test_the_files_of_a_folder_are_listed_with_their_age(blobs: Blobs, tmp_path: Path) -> None:
    assert blobs.listed(DIGEST[:2]) == []
    blobs.publish(spooled(tmp_path), DIGEST, "application/dicom")
    (file,) = blobs.listed(DIGEST[:2])
    assert (file.sha256, file.written_at) == (DIGEST, blobs.written_at(DIGEST))
    assert time.time() - file.written_at < 60
    assert DIGEST[:2] in blobs.folders()
    assert blobs.listed("00") == []


def test_bytes_published_again_are_young_again(tmp_path: Path) -> None:
    blobs = Blobs(f"file://{tmp_path / 'blobs'}")
    for _ in range(2):
        path = spooled(tmp_path)
        os.utime(path, (0, 0))
        blobs.publish(path, DIGEST, "application/dicom")
        assert time.time() - blobs.written_at(DIGEST) < 60
