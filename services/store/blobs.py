"""Bytes by their sha256: durable files in a local folder, or objects in any store fsspec speaks to."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem
from sqlalchemy.orm import Session

from pipelines.core.errors import BytesGone, NotFound
from services.store.clock import utcnow
from services.store.durable import sync
from services.store.locks import one_of_many
from services.store.room import Quota, room_errors
from services.store.tables import Blob
from services.store.upsert import insert_or_update

CHUNK_BYTES = 1024**2
FAN_OUT = 2  # hex digits of the folder: 256 folders keep each one small
SYNC_THREADS = 8
#: The lock of one blob: `record` shares it, who removes the bytes holds it alone.
BLOB_LOCK: Final = "blob"
_DIGEST_LENGTH: Final = 64
_PARTIAL: Final = ".partial"  # a copy from another disk on its way in


@dataclass(frozen=True, slots=True)
class Published:
    """Bytes that are durable under their digest, but not yet referenced by a row."""

    sha256: str
    bytes: int
    media_type: str
    place: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it lies in the store; `sha256` is None where its name says that its copy was never finished."""

    name: str
    sha256: str | None
    written_at: float  # seconds since 1970
    bytes: int


class Blobs:
    """A content-addressed store at an fsspec URL (file:///folder, s3://bucket/prefix)."""

    def __init__(self, url: str, quota: Quota | None = None) -> None:
        """Nothing is opened or created yet; without `quota` the store holds what fits."""
        self.url = url
        self.quota = quota
        filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)  # other processes write too
        self._filesystem: Any = filesystem  # Any: fsspec is untyped
        self._root = str(root).rstrip("/")
        self._local = isinstance(filesystem, LocalFileSystem)

    def place(self, sha256: str) -> str:
        """Where these bytes lie, relative to the store's URL."""
        return f"{sha256[:FAN_OUT]}/{sha256}"

    def publish(self, path: Path, sha256: str, media_type: str) -> Published:
        """Make the file at `path` durable under its digest; the file is moved away. Repeating it is harmless.

        Its age begins anew, so what nobody refers to yet is safe from collection for the grace time.
        The caller has hashed the file; raises StorageFull where the disk has no room.
        """
        return self.publish_many([(path, sha256, media_type)])[0]

    def publish_many(self, files: Sequence[tuple[Path, str, str]]) -> list[Published]:
        """Publish (path, sha256, media type) each; folders are synced once, so many small files go quickly."""
        published = [
            Published(sha256, path.stat().st_size, media_type, self.place(sha256)) for path, sha256, media_type in files
        ]
        if self.quota is not None:
            # What is there already takes no room: a sender that repeats itself is answered as ever.
            self.quota.take(sum(blob.bytes for blob in published if not self.exists(blob.sha256)))
        with room_errors():
            if self._local:
                self._move_in([path for path, _, _ in files], published)
            else:
                for (path, sha256, _), _blob in zip(files, published, strict=True):
                    self._filesystem.put_file(str(path), self._full(sha256))
                    path.unlink()
        return published

    def publish_bytes(self, content: bytes, media_type: str, *, scratch: Path) -> Published:
        """Publish bytes held in memory, through a file in the folder `scratch` (best on the blobs' own disk)."""
        with room_errors():
            scratch.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=scratch, delete=False) as file:
                file.write(content)
        return self.publish(Path(file.name), hashlib.sha256(content).hexdigest(), media_type)

    def record(self, session: Session, *blobs: Published) -> None:
        """Write the blobs' rows, in the transaction that first refers to them; harmless where they are there.

        Raises BytesGone where the bytes were collected since they were published; until the transaction ends nobody
        collects them.
        """
        one_of_many(session, BLOB_LOCK, sorted({blob.sha256 for blob in blobs}))
        self._must_be_there({blob.sha256 for blob in blobs})
        rows = [
            {
                "sha256": blob.sha256,
                "bytes": blob.bytes,
                "media_type": blob.media_type,
                "place": blob.place,
                "created_at": utcnow(),
                "removed_at": None,
            }
            for blob in sorted({blob.sha256: blob for blob in blobs}.values(), key=lambda blob: blob.sha256)
        ]
        if rows:
            insert_or_update(session, Blob, *rows, conflict=("sha256",), update=("removed_at",))

    def open(self, sha256: str) -> BinaryIO:
        """The bytes as a readable, seekable file; raises NotFound."""
        try:
            return cast("BinaryIO", self._filesystem.open(self._full(sha256), "rb"))
        except FileNotFoundError:
            raise NotFound("the bytes of this blob are not in the store") from None

    @contextmanager
    def local_path(self, sha256: str) -> Iterator[Path]:
        """A local file with the bytes, for the time of the block: the blob itself where it is local, else a copy."""
        if self._local:
            path = Path(self._full(sha256))
            if not path.is_file():
                raise NotFound("the bytes of this blob are not in the store")
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / sha256
            with self.open(sha256) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, CHUNK_BYTES)
            yield path

    def size(self, sha256: str) -> int:
        """Bytes of the blob; raises NotFound."""
        try:
            return int(self._filesystem.size(self._full(sha256)))
        except FileNotFoundError:
            raise NotFound("the bytes of this blob are not in the store") from None

    def exists(self, sha256: str) -> bool:
        """Whether the bytes are there."""
        return bool(self._filesystem.exists(self._full(sha256)))

    def remove(self, sha256: str) -> None:
        """Remove the bytes; harmless where they are gone already."""
        try:
            self._filesystem.rm_file(self._full(sha256))
        except FileNotFoundError:
            return

    def folders(self) -> Sequence[str]:
        """The names of all folders that blobs may lie in."""
        return [f"{number:0{FAN_OUT}x}" for number in range(16**FAN_OUT)]

    def listed(self, folder: str) -> list[StoredFile]:
        """The files of one folder, in no order; files that no Overread put there are left out."""
        try:
            found = self._filesystem.ls(f"{self._root}/{folder}", detail=True)
        except FileNotFoundError:
            return []
        names = [str(info["name"]).rsplit("/", 1)[-1] for info in found]
        return [
            StoredFile(name, None if name.endswith(_PARTIAL) else name, self._written_at(info), int(info["size"]))
            for name, info in zip(names, found, strict=True)
            if name.endswith(_PARTIAL) or (len(name) == _DIGEST_LENGTH and name.startswith(folder))
        ]

    def written_at(self, sha256: str) -> float:
        """When the bytes were last published, in seconds since 1970; raises NotFound."""
        try:
            return self._written_at(self._filesystem.info(self._full(sha256)))
        except FileNotFoundError:
            raise NotFound("the bytes of this blob are not in the store") from None

    def remove_partial(self, folder: str, file: StoredFile) -> None:
        """Remove a copy that was never finished; harmless where it is gone already."""
        with suppress(FileNotFoundError):
            self._filesystem.rm_file(f"{self._root}/{folder}/{file.name}")

    def _written_at(self, info: dict[str, Any]) -> float:
        # Any: what fsspec says differs by store; a local folder gives seconds, S3 a time.
        if self._local:
            return float(info["mtime"])
        moment: datetime = info["LastModified"] if "LastModified" in info else self._filesystem.modified(info["name"])
        return moment.timestamp()

    def _must_be_there(self, digests: Set[str]) -> None:
        """Raises BytesGone unless all are; at once on an object store, where each question is a round trip."""
        with ThreadPoolExecutor(SYNC_THREADS) as threads:
            there = (map if self._local else threads.map)(self.exists, sorted(digests))
            if not all(there):
                raise BytesGone

    def digest(self, sha256: str) -> str:
        """The sha256 of the bytes that really lie there: equal to the name unless the store is damaged."""
        with self.open(sha256) as file:
            return hashlib.file_digest(cast("io.BufferedReader", file), "sha256").hexdigest()

    def _full(self, sha256: str) -> str:
        return f"{self._root}/{self.place(sha256)}"

    def _move_in(self, paths: Sequence[Path], published: Sequence[Published]) -> None:
        # File first, then its name, then the folder that holds the name: after a power cut either the whole blob is
        # there or none of it. In parallel, since a journalling file system makes one commit of syncs that come at once:
        # six times as fast for a group of small files.
        for blob in published:
            Path(self._full(blob.sha256)).parent.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(min(SYNC_THREADS, len(paths) or 1)) as threads:
            list(threads.map(_renew, paths))
            for path, blob in zip(paths, published, strict=True):
                _move(path, Path(self._full(blob.sha256)))
            folders = {Path(self._full(blob.sha256)).parent for blob in published}
            list(threads.map(sync, [*folders, Path(self._root)]))


def _move(path: Path, target: Path) -> None:
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # The spool is on another disk: copy beside the target, so that the rename is atomic there.
        with (
            tempfile.NamedTemporaryFile(dir=target.parent, suffix=_PARTIAL, delete=False) as copy,
            path.open("rb") as source,
        ):
            shutil.copyfileobj(source, copy, CHUNK_BYTES)
            copy.flush()
            os.fsync(copy.fileno())
        Path(copy.name).replace(target)
        path.unlink()


def _renew(path: Path) -> None:
    os.utime(path)  # it may have waited in the spool for long: its age counts from now on
    sync(path)
