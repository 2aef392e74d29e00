"""Whether the stored bytes are all there and what their names say, and how many nothing refers to."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from pipelines.core.errors import NotFound
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Blob
from services.store.unreferenced import unreferenced


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What was found; `missing` and `damaged` are sha256 digests that rows refer to."""

    checked: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    unreferenced: int

    @property
    def is_whole(self) -> bool:
        """Whether every byte that a row refers to can be had."""
        return not self.missing and not self.damaged


def check(store: Store) -> StoreReport:
    """Read and hash every blob that a row refers to, folder by folder; also while the system runs.

    What retention removed is not missing. Bytes of uploads under way count as unreferenced. Raises DatabaseUnavailable.
    """
    checked, loose = 0, 0
    missing: list[str] = []
    damaged: list[str] = []
    for folder in store.blobs.folders():
        for sha256 in _expected(store, folder):
            checked += 1
            try:
                if store.blobs.digest(sha256) != sha256:
                    damaged.append(sha256)
            except NotFound:
                missing.append(sha256)
        loose += len(unreferenced(store, [file.sha256 for file in store.blobs.listed(folder) if file.sha256]))
    return StoreReport(checked, tuple(missing), tuple(damaged), loose)


def _expected(store: Store, folder: str) -> list[str]:
    """The digests of one folder that rows refer to and whose bytes were not removed, in their order."""
    with unit_of_work(store.database, writing=False) as session:
        present = session.scalars(
            select(Blob.sha256).where(Blob.sha256.startswith(folder), Blob.removed_at.is_(None)).order_by(Blob.sha256)
        ).all()
    loose = set(unreferenced(store, present))
    return [sha256 for sha256 in present if sha256 not in loose]
