"""How much room there is: each disk once, and the quota of stored bytes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pipelines.core.errors import StorageFull
from services.settings import Settings
from services.store import room
from services.store.blobs import Blobs
from services.store.room import Level, Quota, Room, disks, room_errors
from services.store.session import unit_of_work
from services.store.stores import Store


def publish(blobs: Blobs, store: Store, content: bytes, scratch: Path) -> None:
    """Store bytes and their row."""
    blob = blobs.publish_bytes(content, "application/dicom", scratch=scratch)
    with unit_of_work(store.database) as session:
        blobs.record(session, blob)


@pytest.fixture
def limited(store: Store) -> Blobs:
    """The store's blobs, 100 bytes at most."""
    return Blobs(store.blobs.url, Quota(store.database, 100))


def test_bytes_past_the_quota_are_refused_and_the_others_stay(limited: Blobs, store: Store, tmp_path: Path) -> None:
    publish(limited, store, b"a" * 60, tmp_path)
    with pytest.raises(StorageFull, match="quota"):
        publish(limited, store, b"b" * 60, tmp_path)
    publish(limited, store, b"c" * 40, tmp_path)


def test_what_is_stored_already_takes_no_room(limited: Blobs, store: Store, tmp_path: Path) -> None:
    publish(limited, store, b"a" * 80, tmp_path)
    publish(limited, store, b"a" * 80, tmp_path)


def test_what_was_removed_makes_room_at_once(limited: Blobs, store: Store, tmp_path: Path) -> None:
    publish(limited, store, b"a" * 80, tmp_path)
    with unit_of_work(store.database) as session:
        session.connection().exec_driver_sql("UPDATE blobs SET removed_at = created_at")
    publish(limited, store, b"b" * 80, tmp_path)


def test_another_process_that_stores_is_seen(
    limited: Blobs, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(limited, store, b"a" * 40, tmp_path)
    monkeypatch.setattr(room, "QUOTA_SECONDS", 0.0)
    publish(store.blobs, store, b"b" * 50, tmp_path)
    with pytest.raises(StorageFull):
        publish(limited, store, b"c" * 20, tmp_path)


def test_a_place_that_was_full_takes_images_again_only_well_above_its_mark() -> None:
    level = Level("disk", left=110, stop=100, resume=125, low=400, total=1000)
    assert (level.is_full(), level.is_full(coming=20), level.is_full(was_full=True)) == (False, True, True)
    assert level.is_low


def test_intake_stops_before_the_quota_is_used_up_so_that_results_still_fit(settings: Settings, store: Store) -> None:
    quota = Quota(store.database, 1000)
    quota.take(951)
    with pytest.raises(StorageFull):
        Room(settings, quota).check()
    quota.take(49)


def test_places_on_one_disk_are_one_and_a_server_elsewhere_is_not_looked_at(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    [(name, folder)] = disks(settings.model_copy(update={"database_url": None}))
    assert (name, folder) == ("the disk of spool, blobs, database", settings.data_dir.resolve())
    far = {"database_url": "postgresql+psycopg://db/overread", "blob_url": "s3://bucket/images"}
    [(name, _)] = disks(settings.model_copy(update=far))
    assert name == "the disk of spool"


def test_no_room_is_told_from_other_faults_of_a_disk() -> None:
    with pytest.raises(StorageFull), room_errors():
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    with pytest.raises(PermissionError), room_errors():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
