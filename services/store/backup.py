"""Copies of everything: all rows of one moment and every blob they refer to, as files that either database restores."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.errors import BackupDamaged, Conflict, NotFound
from services.settings import OWNER_ONLY, Settings
from services.store import migrate
from services.store.audit import record, verify
from services.store.durable import sync
from services.store.portable import Kind, TableShape, read_rows, shapes, write_rows
from services.store.session import unit_of_work
from services.store.stores import Store, open_store
from services.store.tables import Blob, Site, Table

FORMAT: Final = "overread-backup-1"
MANIFEST: Final = "manifest.json"
CHUNK_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup or a restore carried over."""

    revision: str
    rows: int
    blobs: int
    bytes: int

    def __str__(self) -> str:
        """As a sentence."""
        return f"{self.rows} rows and {self.blobs} files ({self.bytes} bytes) at revision {self.revision}"


@dataclass(frozen=True, slots=True)
class _Part:
    """One table's file in a backup."""

    shape: TableShape
    rows: int
    sha256: str

    @property
    def file(self) -> str:
        return f"tables/{self.shape.name}.jsonl"


@dataclass(frozen=True, slots=True)
class _KeptBlob:
    sha256: str
    media_type: str
    bytes: int


def backup(settings: Settings, target: Path, actor: str) -> BackupReport:
    """Write a backup as the new folder `target`, also while the system runs.

    The rows are those of one moment; blobs are durable before any row names them and are never changed, so copying
    them afterwards fits. Each is hashed on the way. An interrupted backup leaves only `target`.partial behind. That
    `actor` takes everybody's data along is in the audit before the first row leaves. Raises Conflict where `target`
    exists, BackupDamaged where a blob is not what its name says.
    """
    migrate.require_current(settings)
    if target.exists():
        raise Conflict("the backup's folder exists already", code="backup_exists")
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "tables").mkdir(parents=True)
    partial.chmod(OWNER_ONLY)
    with closing(open_store(settings)) as store:
        with unit_of_work(store.database) as session:
            record(session, actor, "backup.begun")
        with unit_of_work(store.database, writing=False) as session:
            parts = [_write_table(session, shape, partial) for shape in shapes()]
            kept = [
                _KeptBlob(*row)
                for row in session.execute(
                    sa.select(Blob.sha256, Blob.media_type, Blob.bytes).where(Blob.removed_at.is_(None))
                )
            ]
        kept = [blob for blob in kept if _copy_out(store, blob, partial)]
    revision = str(migrate.newest())
    _write_manifest(partial, revision, parts, kept)
    _sync_tree(partial)
    partial.rename(target)
    sync(target.parent)
    return BackupReport(revision, sum(part.rows for part in parts), len(kept), sum(blob.bytes for blob in kept))


def restore(settings: Settings, source: Path) -> BackupReport:
    """Bring a backup into an empty system, on either database, then up to this release.

    Every hash is checked before the first row is written, and all rows are written in one transaction: an interrupted
    restore leaves an empty database and can be repeated. Raises Conflict (`restore_target_not_empty`), BackupDamaged.
    """
    revision, parts, kept = _read_manifest(source)
    for part in parts:
        _check(source / part.file, part.sha256)
    settings.data_dir.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    _must_be_empty(settings)
    migrate.upgrade_schema(settings, revision)
    with closing(open_store(settings)) as store:
        for blob in kept:
            _copy_in(store, settings, blob, source)
        with unit_of_work(store.database) as session:
            session.execute(sa.delete(Site))  # the one the migration made: the backup brings its own
            rows = sum(_read_table(session, part, source) for part in parts)
        verdict = verify(store)
    if verdict.broken is not None:
        raise BackupDamaged(f"the restored audit trail is broken: {verdict.broken}")
    migrate.upgrade(settings)
    return BackupReport(revision, rows, len(kept), sum(blob.bytes for blob in kept))


def _write_table(session: Session, shape: TableShape, folder: Path) -> _Part:
    path = folder / "tables" / f"{shape.name}.jsonl"
    rows = write_rows(session, shape, path)
    return _Part(shape, rows, _digest(path))


def _read_table(session: Session, part: _Part, source: Path) -> int:
    rows = read_rows(session, part.shape, source / part.file)
    if rows != part.rows:
        raise BackupDamaged(f"the table {part.shape.name} has {rows} rows, not {part.rows}")
    return rows


def _copy_out(store: Store, blob: _KeptBlob, folder: Path) -> bool:
    """Copy a blob into the backup; False where it was removed since the rows were read."""
    path = folder / "blobs" / store.blobs.place(blob.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with store.blobs.open(blob.sha256) as stored, path.open("wb") as copy:
            shutil.copyfileobj(stored, copy, CHUNK_BYTES)
    except NotFound:
        # Retention or the collector removed it; then its row says so by now.
        path.unlink(missing_ok=True)
        with unit_of_work(store.database, writing=False) as session:
            if session.get_one(Blob, blob.sha256).removed_at is None:
                raise
        return False
    _check(path, blob.sha256)
    return True


def _copy_in(store: Store, settings: Settings, blob: _KeptBlob, source: Path) -> None:
    path = source / "blobs" / store.blobs.place(blob.sha256)
    if not path.is_file():
        raise BackupDamaged("a file of the backup is missing")
    settings.spool_dir.mkdir(parents=True, exist_ok=True)
    copy = settings.spool_dir / f"restore-{blob.sha256}"
    shutil.copyfile(path, copy)
    _check(copy, blob.sha256)
    store.blobs.publish(copy, blob.sha256, blob.media_type)


def _must_be_empty(settings: Settings) -> None:
    if migrate.current(settings) is None:
        return
    with closing(open_store(settings)) as store, unit_of_work(store.database, writing=False) as session:
        there = set(sa.inspect(session.connection()).get_table_names())
        for table in Table.metadata.sorted_tables:
            spared = 1 if table.name == Site.__tablename__ else 0
            if (
                table.name in there
                and len(session.execute(sa.select(sa.literal(1)).select_from(table)).fetchmany(2)) > spared
            ):
                raise Conflict("the database to restore into is not empty", code="restore_target_not_empty")


def _write_manifest(folder: Path, revision: str, parts: list[_Part], kept: list[_KeptBlob]) -> None:
    document = {
        "format": FORMAT,
        "revision": revision,
        "tables": [
            {"name": part.shape.name, "columns": dict(part.shape.columns), "rows": part.rows, "sha256": part.sha256}
            for part in parts
        ],
        "blobs": [{"sha256": blob.sha256, "media_type": blob.media_type, "bytes": blob.bytes} for blob in kept],
    }
    (folder / MANIFEST).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _read_manifest(source: Path) -> tuple[str, list[_Part], list[_KeptBlob]]:
    try:
        document: Mapping[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise BackupDamaged("the folder is a backup of a form this release does not read")
        parts = [
            _Part(
                TableShape(table["name"], {name: Kind(kind) for name, kind in table["columns"].items()}),
                table["rows"],
                table["sha256"],
            )
            for table in document["tables"]
        ]
        return str(document["revision"]), parts, [_KeptBlob(**blob) for blob in document["blobs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupDamaged("the folder is no complete backup") from error


def _check(path: Path, sha256: str) -> None:
    if not path.is_file() or _digest(path) != sha256:
        raise BackupDamaged("a file is not what was backed up: its hash differs")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)
