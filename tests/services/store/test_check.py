"""The check of the store: what rows refer to is there and is what its name says."""

from __future__ import annotations

from sqlalchemy import update

from services.store.check import StoreReport, check
from services.store.clock import utcnow
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Blob
from tests.services.conftest import Desk


def digests(store: Store) -> list[str]:
    found = [file.sha256 for folder in store.blobs.folders() for file in store.blobs.listed(folder)]
    return sorted(sha256 for sha256 in found if sha256 is not None)


def test_a_missing_and_a_damaged_blob_are_found(desk: Desk, each_store: Store) -> None:
    desk.queue()
    assert check(each_store) == StoreReport(2, (), (), 0)
    gone, damaged = digests(each_store)
    each_store.blobs.remove(gone)
    with each_store.blobs.local_path(damaged) as path:
        path.write_bytes(b"other bytes")
    assert check(each_store) == StoreReport(2, (gone,), (damaged,), 0)


def test_what_retention_removed_is_not_missing(desk: Desk, each_store: Store) -> None:
    desk.queue()
    gone, _ = digests(each_store)
    each_store.blobs.remove(gone)
    with unit_of_work(each_store.database) as session:
        session.execute(update(Blob).where(Blob.sha256 == gone).values(removed_at=utcnow()))
    assert check(each_store) == StoreReport(1, (), (), 0)
