"""The check of the store: what rows refer to is there and is what its name says."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from services.store import check as checking
from services.store.alarms import open_alarms
from services.store.check import FolderReport, check
from services.store.clock import utcnow
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Blob, Instance
from services.work.inspection import Inspector
from tests.services.conftest import Desk


def digests(store: Store) -> list[str]:
    found = [file.sha256 for folder in store.blobs.folders() for file in store.blobs.listed(folder)]
    return sorted(sha256 for sha256 in found if sha256 is not None)


def overwrite(store: Store, sha256: str, content: bytes) -> None:
    with store.blobs.local_path(sha256) as path:
        path.write_bytes(content)


def length(store: Store, sha256: str) -> int:
    return store.blobs.size(sha256)


def alarms(store: Store) -> set[str]:
    with unit_of_work(store.database, writing=False) as session:
        return {alarm.code for alarm in open_alarms(session)}


def look_at_all(inspector: Inspector) -> None:
    for folder in inspector.store.blobs.folders():
        inspector.look(folder)


def test_a_missing_and_a_damaged_blob_are_found(desk: Desk, each_store: Store) -> None:
    desk.queue()
    report = check(each_store)
    assert (report.checked, report.is_whole, report.unreferenced) == (2, True, 0)
    gone, damaged = digests(each_store)
    each_store.blobs.remove(gone)
    overwrite(each_store, damaged, b"x" * length(each_store, damaged))
    report = check(each_store)
    assert (report.missing, report.damaged, report.is_whole) == ((gone,), (damaged,), False)


def test_the_report_says_what_lost_bytes_belong_to(desk: Desk, store: Store) -> None:
    desk.queue()
    for sha256 in digests(store):
        store.blobs.remove(sha256)
    with unit_of_work(store.database, writing=False) as session:
        instance = session.scalars(select(Instance)).one()
    affected = {one.sha256: (one.kind, one.id) for one in check(store).affected}
    assert affected[instance.blob_sha256] == ("image", instance.id)
    assert sorted(kind for kind, _ in affected.values()) == ["bundle", "image"]


def test_the_fast_look_finds_another_size_and_reads_nothing(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.queue()
    longer, same = digests(store)
    overwrite(store, longer, b"something longer than it was before")
    overwrite(store, same, b"x" * length(store, same))
    monkeypatch.delattr(type(store.blobs), "digest")
    assert check(store, deep=False).damaged == (longer,)


def test_what_retention_removed_is_not_missing(desk: Desk, each_store: Store) -> None:
    desk.queue()
    gone, _ = digests(each_store)
    each_store.blobs.remove(gone)
    with unit_of_work(each_store.database) as session:
        session.execute(update(Blob).where(Blob.sha256 == gone).values(removed_at=utcnow()))
    report = check(each_store)
    assert (report.checked, report.is_whole) == (1, True)


def test_a_lost_disk_is_counted_to_the_end_and_named_only_in_part(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        desk.queue()
    for sha256 in digests(store):
        store.blobs.remove(sha256)
    monkeypatch.setattr(checking, "NAMED", 2)
    report = check(store)
    assert (report.missing_count, len(report.missing)) == (4, 2)


def test_the_scheduler_raises_an_alarm_and_clears_it_when_every_folder_is_well(
    desk: Desk, each_store: Store, tmp_path: Path
) -> None:
    desk.queue()
    gone, _ = digests(each_store)
    content = each_store.blobs.open(gone).read()
    each_store.blobs.remove(gone)
    inspector = Inspector(each_store)
    inspector.look(gone[:2])
    assert alarms(each_store) == {"blobs_missing"}
    each_store.blobs.publish_bytes(content, "application/dicom", scratch=tmp_path / "scratch")
    anew = Inspector(each_store)
    anew.look(gone[:2])
    assert alarms(each_store) == {"blobs_missing"}  # the other folders were not seen since it started
    look_at_all(anew)
    assert alarms(each_store) == set()
    assert anew.seen[gone[:2]] == FolderReport(1, (), (), 0)
