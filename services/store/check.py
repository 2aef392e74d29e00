"""Whether the stored bytes are all there and what their names say, and how many nothing refers to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.errors import NotFound
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import ArtifactRow, Blob, Instance, ModelVersion, Result, ReviewMask, Series
from services.store.unreferenced import unreferenced

#: Digests that a report names; the counts go on. A lost disk must not fill the memory of who looks for it.
NAMED: Final = 1000
#: Behind every digest that begins with a folder's name: hexadecimal digits end at f.
BEHIND: Final = "g"


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What was found in one folder; digests that rows refer to, and how many files nothing refers to."""

    checked: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    unreferenced: int


@dataclass(frozen=True, slots=True)
class Affected:
    """What bytes belong to: an image, an artifact, an outline or a bundle, by its id; `study` is None for a bundle."""

    sha256: str
    kind: str
    id: str
    study: str | None


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What was found; `missing` and `damaged` name the first digests that rows refer to, `affected` what those are."""

    checked: int
    missing_count: int
    damaged_count: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    affected: tuple[Affected, ...]
    unreferenced: int

    @property
    def is_whole(self) -> bool:
        """Whether every byte that a row refers to can be had."""
        return self.missing_count == self.damaged_count == 0


def check(store: Store, *, deep: bool = True) -> StoreReport:
    """Look at every blob that a row refers to, folder by folder; also while the system runs.

    `deep` reads and hashes each, else only whether it is there with its size. What retention removed is not missing.
    Bytes of uploads under way count as unreferenced. Memory stays the same however many there are. Raises
    DatabaseUnavailable.
    """
    checked = missing_count = damaged_count = loose = 0
    missing: list[str] = []
    damaged: list[str] = []
    for folder in store.blobs.folders():
        report = check_folder(store, folder, deep=deep)
        checked, loose = checked + report.checked, loose + report.unreferenced
        missing_count, damaged_count = missing_count + len(report.missing), damaged_count + len(report.damaged)
        missing += report.missing[: NAMED - len(missing)]
        damaged += report.damaged[: NAMED - len(damaged)]
    with unit_of_work(store.database, writing=False) as session:
        affected = tuple(_affected(session, [*missing, *damaged]))
    return StoreReport(checked, missing_count, damaged_count, tuple(missing), tuple(damaged), affected, loose)


def check_folder(store: Store, folder: str, *, deep: bool) -> FolderReport:
    """Look at one of the store's folders; see `check`."""
    expected = _expected(store, folder)
    # After the rows: what is published now gets its row later, so that no row seen here is too young for its file.
    listed = {file.sha256: file.bytes for file in store.blobs.listed(folder) if file.sha256 is not None}
    absent = [sha256 for sha256 in expected if sha256 not in listed]
    present = [sha256 for sha256 in expected if sha256 in listed]
    if deep:
        spoilt = [sha256 for sha256 in present if not _is_itself(store, sha256)]
    else:
        spoilt = [sha256 for sha256 in present if listed[sha256] != expected[sha256]]
    # The collector, or retention, may have come between the rows and the listing.
    lost = set(_expected(store, folder)) if absent or spoilt else set()
    return FolderReport(
        checked=len(expected),
        missing=tuple(sha256 for sha256 in absent if sha256 in lost and not store.blobs.exists(sha256)),
        damaged=tuple(sha256 for sha256 in spoilt if sha256 in lost),
        unreferenced=len(unreferenced(store, list(listed))),
    )


def _is_itself(store: Store, sha256: str) -> bool:
    try:
        return store.blobs.digest(sha256) == sha256
    except NotFound:
        return True  # removed since it was listed: no damage


def _expected(store: Store, folder: str) -> dict[str, int]:
    """One folder's digests that rows refer to and whose bytes were not removed, in their order, with their sizes."""
    with unit_of_work(store.database, writing=False) as session:
        rows = session.execute(
            select(Blob.sha256, Blob.bytes)
            .where(Blob.sha256 >= folder, Blob.sha256 < folder + BEHIND, Blob.removed_at.is_(None))
            .order_by(Blob.sha256)
        ).all()
    present = {row.sha256: row.bytes for row in rows}
    for sha256 in unreferenced(store, list(present)):
        del present[sha256]
    return present


def _affected(session: Session, digests: Sequence[str]) -> Iterator[Affected]:
    images = select(Instance.blob_sha256, Instance.id, Series.study_id).join(Series)
    photographs = select(Instance.source_sha256, Instance.id, Series.study_id).join(Series)
    artifacts = select(ArtifactRow.blob_sha256, ArtifactRow.id, Result.study_id).join(Result)
    outlines = select(ReviewMask.blob_sha256, ReviewMask.id, Result.study_id).join(Result)
    kinds = (
        ("image", images.where(Instance.blob_sha256.in_(digests))),
        ("photograph", photographs.where(Instance.source_sha256.in_(digests))),
        ("artifact", artifacts.where(ArtifactRow.blob_sha256.in_(digests))),
        ("outline", outlines.where(ReviewMask.blob_sha256.in_(digests))),
    )
    for kind, query in kinds:
        for sha256, row_id, study_id in session.execute(query):
            yield Affected(str(sha256), kind, row_id, study_id)
    bundles = select(ModelVersion.bundle_sha256, ModelVersion.id).where(ModelVersion.bundle_sha256.in_(digests))
    for sha256, row_id in session.execute(bundles):
        yield Affected(sha256, "bundle", row_id, None)
