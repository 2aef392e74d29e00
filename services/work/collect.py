"""Clears away stored bytes that nothing refers to: a crash between file and row leaves them, or a discarded result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import update

from pipelines.core.errors import NotFound
from services.log import logger
from services.store.blobs import BLOB_LOCK
from services.store.clock import utcnow
from services.store.locks import only_one_now
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Blob
from services.store.unreferenced import referenced, unreferenced

log = logger("scheduler")
#: Blobs removed at most in one round: the scheduler has other duties.
ROUND: Final = 500


@dataclass(frozen=True, slots=True)
class Collected:
    """What one round removed: blobs, and copies that were never finished."""

    blobs: int
    partial: int


def collect(store: Store, folder: str, grace_seconds: float) -> Collected:
    """Remove what lies in one folder of the store, is older than the grace time and is referred to by no row.

    Harmless beside uploads of the same bytes, see `remove_unreferenced`. Raises DatabaseUnavailable.
    """
    oldest_to_stay = time.time() - grace_seconds
    old = [file for file in store.blobs.listed(folder) if file.written_at < oldest_to_stay]
    partial = [file for file in old if file.sha256 is None]
    for file in partial:
        store.blobs.remove_partial(folder, file)
    candidates = unreferenced(store, [file.sha256 for file in old if file.sha256 is not None])[:ROUND]
    removed = sum(remove_unreferenced(store, sha256, grace_seconds) for sha256 in candidates)
    if removed or partial:
        log.info("blobs.collected", blobs=removed, partial=len(partial))
    return Collected(removed, len(partial))


def remove_unreferenced(store: Store, sha256: str, grace_seconds: float) -> bool:
    """Remove these bytes unless they are wanted after all; whether they went.

    Everything is looked at again under the blob's lock, which `Blobs.record` shares: who records before finds the bytes
    left alone, who records after finds them gone and is told. The one place that removes a file within a transaction,
    since the lock must outlast the file; it is a single short call.
    """
    with unit_of_work(store.database) as session:
        if not only_one_now(session, BLOB_LOCK, sha256) or referenced(session, [sha256]):
            return False
        try:
            if store.blobs.written_at(sha256) >= time.time() - grace_seconds:
                return False
        except NotFound:
            return False
        session.execute(update(Blob).where(Blob.sha256 == sha256).values(removed_at=utcnow()))
        store.blobs.remove(sha256)
    return True
