"""Collecting bytes that nothing refers to: only those, and never ones that are being sent again."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.core.errors import BytesGone
from services.settings import Settings
from services.store.blobs import Blobs, Published
from services.store.check import check, check_folder
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Blob, Instance
from services.store.unreferenced import referring_columns
from services.work.collect import Collected, collect, remove_unreferenced
from services.work.outcomes import FileOutcome, IntakeOptions
from services.work.receive import receive_group
from services.work.spool import Spool
from tests.services.conftest import Desk
from tests.services.intake.conftest import dicom

AT_ONCE = -60.0  # a grace time that the youngest file has passed, whatever its clock
HOUR = 3600.0
PATIENCE_SECONDS = 60.0


class InterruptedBlobs(Blobs):
    """A blob store that calls what the test gave it at the moments others may come between."""

    after_publish: Callable[[], object] = staticmethod(lambda: None)
    after_record: Callable[[], object] = staticmethod(lambda: None)
    before_remove: Callable[[], object] = staticmethod(lambda: None)

    def publish_many(self, files):
        published = super().publish_many(files)
        self.after_publish()
        return published

    def record(self, session: Session, *blobs: Published) -> None:
        super().record(session, *blobs)
        self.after_record()

    def remove(self, sha256: str) -> None:
        self.before_remove()
        super().remove(sha256)


def interrupted(store: Store) -> tuple[Store, InterruptedBlobs]:
    blobs = InterruptedBlobs(store.blobs.url)
    return Store(store.database, blobs, store.site_id), blobs


def send(store: Store, settings: Settings, content: bytes) -> FileOutcome:
    """Take one file in, as an upload does."""
    with Spool(settings) as spool:
        writer = spool.begin("a")
        writer.write(content)
        return receive_group(store, settings, [writer.finish()], IntakeOptions(), "key:1")[0]


def leave(store: Store, tmp_path: Path, content: bytes) -> str:
    """Publish without a row, as a process does that is killed then; returns the digest."""
    return store.blobs.publish_bytes(content, "application/dicom", scratch=tmp_path / "scratch").sha256


def collect_all(store: Store, grace_seconds: float = AT_ONCE) -> int:
    return sum(collect(store, folder, grace_seconds).blobs for folder in store.blobs.folders())


def instances(store: Store) -> int:
    with unit_of_work(store.database, writing=False) as session:
        return session.scalar(select(func.count()).select_from(Instance)) or 0


def test_only_what_no_row_refers_to_is_collected(desk: Desk, store: Store, blobs: Blobs, tmp_path: Path) -> None:
    store = desk.store = Store(store.database, blobs, store.site_id)
    desk.queue()
    left = leave(store, tmp_path, b"left by a crash")
    assert check_folder(store, left[:2], deep=True).unreferenced == 1
    assert collect(store, left[:2], AT_ONCE).blobs == 1
    assert not blobs.exists(left)
    report = check(store)
    assert (report.checked, report.is_whole, report.unreferenced) == (2, True, 0)


def test_what_is_younger_than_the_grace_time_stays(each_store: Store, tmp_path: Path) -> None:
    left = leave(each_store, tmp_path, b"left a moment ago")
    assert collect_all(each_store, HOUR) == 0
    with each_store.blobs.local_path(left) as path:
        os.utime(path, (0, 0))
    assert collect_all(each_store, HOUR) == 1


def test_what_is_sent_again_after_it_was_found_stays(each_store: Store, tmp_path: Path) -> None:
    left = leave(each_store, tmp_path, b"sent again")
    with each_store.blobs.local_path(left) as path:
        os.utime(path, (0, 0))
    leave(each_store, tmp_path, b"sent again")
    assert not remove_unreferenced(each_store, left, HOUR)
    assert each_store.blobs.exists(left)


def test_a_row_that_nothing_refers_to_becomes_a_tombstone(each_store: Store, tmp_path: Path) -> None:
    published = each_store.blobs.publish_bytes(b"bytes", "application/dicom", scratch=tmp_path / "scratch")
    with unit_of_work(each_store.database) as session:
        each_store.blobs.record(session, published)
    assert collect_all(each_store) == 1
    with unit_of_work(each_store.database, writing=False) as session:
        assert session.get_one(Blob, published.sha256).removed_at is not None
    assert check(each_store).is_whole


def test_bytes_collected_between_file_and_row_leave_no_row_behind(each_store: Store, settings: Settings) -> None:
    store, blobs = interrupted(each_store)
    blobs.after_publish = lambda: collect_all(each_store)
    content = dicom()
    with pytest.raises(BytesGone):
        send(store, settings, content)
    assert instances(store) == 0
    assert send(each_store, settings, content).is_kept
    assert check(store).is_whole


def test_bytes_being_recorded_are_not_collected(each_store: Store, settings: Settings) -> None:
    store, blobs = interrupted(each_store)
    found: list[Future[int]] = []

    def collect_meanwhile() -> None:
        found.append(threads.submit(collect_all, each_store))
        wait(found, timeout=0.5)  # on SQLite it waits for this transaction in turn

    blobs.after_record = collect_meanwhile
    with ThreadPoolExecutor(1) as threads:
        assert send(store, settings, dicom()).is_kept
    assert [one.result() for one in found] == [0]
    assert check(store).is_whole


def test_who_records_while_the_bytes_are_removed_waits_and_is_told(each_store: Store, settings: Settings) -> None:
    collecting, slow = interrupted(each_store)
    sending, quick = interrupted(each_store)
    removing, sent, go_on = Event(), Event(), Event()

    def pause() -> None:
        removing.set()
        assert go_on.wait(PATIENCE_SECONDS)

    slow.before_remove, quick.after_publish = pause, sent.set
    content = dicom()
    with Spool(settings) as spool:
        left = leave(each_store, spool.folder, content)
    with ThreadPoolExecutor(2) as threads:
        removed = threads.submit(remove_unreferenced, collecting, left, AT_ONCE)
        assert removing.wait(PATIENCE_SECONDS)
        kept = threads.submit(send, sending, settings, content)
        assert sent.wait(PATIENCE_SECONDS)
        assert not wait([kept], timeout=0.5).done
        go_on.set()
        assert removed.result()
        with pytest.raises(BytesGone):
            kept.result()
    assert instances(each_store) == 0


def test_no_order_of_sending_and_collecting_leaves_a_row_without_bytes(each_store: Store, settings: Settings) -> None:
    content = [dicom() for _ in range(3)]

    def send_each(_: int) -> int:
        lost = 0
        for one in content:
            try:
                send(each_store, settings, one)
            except BytesGone:
                lost += 1
        return lost

    with ThreadPoolExecutor(4) as threads:
        senders = [threads.submit(send_each, number) for number in range(6)]
        collectors = [threads.submit(collect_all, each_store) for _ in range(4)]
        lost = sum(one.result() for one in senders)
        wait(collectors)
    assert lost < len(senders) * len(content)
    assert check(each_store).is_whole


def test_a_copy_that_was_never_finished_is_collected(each_store: Store) -> None:
    folder = Path(each_store.blobs.url.removeprefix("file://")) / "ab"
    folder.mkdir(parents=True)
    (folder / "tmp1.partial").write_bytes(b"half")
    (folder / "notes").write_bytes(b"somebody else's")
    assert collect(each_store, "ab", AT_ONCE) == Collected(0, 1)
    assert [path.name for path in folder.iterdir()] == ["notes"]


def test_every_column_that_names_a_blob_is_looked_at() -> None:
    found = {f"{column.table.name}.{column.name}" for column in referring_columns()}
    assert found == {
        "artifacts.blob_sha256",
        "instances.blob_sha256",
        "instances.source_sha256",
        "model_versions.bundle_sha256",
        "review_masks.blob_sha256",
    }
