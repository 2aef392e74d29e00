"""Pictures of a batch's results: drawn of the kept maps when somebody looks, and from then on files as any others.

Most results of a batch say what was known and are never opened; their pictures would be a thousand times the result.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import exists, select

from pipelines.core.errors import OverreadError
from pipelines.imaging.picture import DRAWN, MAP, Shown
from services.log import logger
from services.settings import Settings
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import ArtifactRow, Blob, Instance, JobInput, Result
from services.store.upsert import insert_or_keep
from services.work.endings import of_disk

log = logger("api")
#: Where a batch's document keeps the maps: npy in base64, by the name that the file has in the API.
MAPS: Final = "maps"


class Draws(Protocol):
    """The decoding child as it is needed here (pipelines.imaging.decoder.Decoder)."""

    def drawn(self, path: Path, stored_map: bytes, picture: Shown) -> bytes:
        """One picture of a stored photograph and its map, as PNG bytes."""


@dataclass(frozen=True, slots=True)
class Drawable:
    """A file that a result has as soon as somebody asks for it."""

    name: str
    kind: str
    media_type: str


@dataclass(frozen=True, slots=True)
class _Mapped:
    """A photograph of a result with its map; `blob_sha256` is None where retention removed its bytes."""

    name: str
    content: bytes
    blob_sha256: str | None


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    kind: Shown
    content: bytes


def drawable(document: Mapping[str, Any]) -> list[Drawable]:
    """The files that can be drawn of a document (the contract's JSON, hence Any), ordered by name."""
    found = [
        Drawable(kind.of(_photograph(name)), kind.kind, kind.media_type)
        for name in document.get(MAPS, {})
        for kind in (MAP, *DRAWN)
    ]
    return sorted(found, key=lambda one: one.name)


def without_maps(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as the contract has it; its maps are files of the result."""
    return {name: value for name, value in document.items() if name != MAPS}


def draw_missing(store: Store, settings: Settings, decoder: Draws, result_id: str) -> None:
    """Draw what a result's maps show, if it was not done before; without the photograph the map alone is kept.

    A failure is left to the next look: the result can be read without pictures.
    """
    result = _undrawn(store, result_id)
    if result is None:
        return
    try:
        files = [file for mapped in _mapped(store, result) for file in _files(store, decoder, mapped)]
        _keep(store, settings, result, files)
    except OverreadError as error:
        log.warning("pictures.not_drawn", result=result_id, code=error.code)
    except OSError as error:
        log.warning("pictures.not_drawn", result=result_id, code=of_disk(error).code)


def undrawn_of_study(store: Store, study_id: str) -> Sequence[str]:
    """The results of a study without a file of their own; few have maps, which `draw_missing` finds out."""
    with unit_of_work(store.database, writing=False) as session:
        return session.scalars(select(Result.id).where(Result.study_id == study_id, ~_has_files())).all()


def _has_files() -> Any:  # Any: an SQL expression
    return exists().where(ArtifactRow.result_id == Result.id)


def _undrawn(store: Store, result_id: str) -> Result | None:
    with unit_of_work(store.database, writing=False) as session:
        result = session.scalar(select(Result).where(Result.id == result_id, ~_has_files()))
        return result if result is not None and result.document.get(MAPS) else None


def _mapped(store: Store, result: Result) -> list[_Mapped]:
    maps: Mapping[str, str] = result.document[MAPS]
    shown = {image["sop_instance_uid"]: image["artifacts"] for image in result.document["images"]}
    rows = (
        select(Instance.sop_instance_uid, Instance.blob_sha256, Blob.removed_at)
        .join(JobInput, JobInput.instance_id == Instance.id)
        .join(Blob, Blob.sha256 == Instance.blob_sha256)
        .where(JobInput.job_id == result.job_id)
    )
    with unit_of_work(store.database, writing=False) as session:
        found = session.execute(rows).all()
    return [
        _Mapped(name, base64.b64decode(maps[name]), row.blob_sha256 if row.removed_at is None else None)
        for row in found
        for name in shown.get(row.sop_instance_uid, ())
        if name in maps
    ]


def _files(store: Store, decoder: Draws, mapped: _Mapped) -> list[_File]:
    files = [_File(mapped.name, MAP, mapped.content)]
    if mapped.blob_sha256 is not None:
        photograph = _photograph(mapped.name)
        with store.blobs.local_path(mapped.blob_sha256) as path:
            files += [_File(kind.of(photograph), kind, decoder.drawn(path, mapped.content, kind)) for kind in DRAWN]
    return files


def _keep(store: Store, settings: Settings, result: Result, files: Sequence[_File]) -> None:
    settings.spool_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.spool_dir) as folder:
        ready = []
        for number, file in enumerate(files):
            path = Path(folder) / str(number)
            path.write_bytes(file.content)
            ready.append((path, hashlib.sha256(file.content).hexdigest(), file.kind.media_type))
        published = store.blobs.publish_many(ready)
    with unit_of_work(store.database) as session:
        store.blobs.record(session, *published)
        for file, blob in zip(files, published, strict=True):
            row = {
                "id": new_id(),
                "result_id": result.id,
                "name": file.name,
                "kind": file.kind.kind,
                "media_type": file.kind.media_type,
                "bytes": blob.bytes,
                "blob_sha256": blob.sha256,
            }
            # Somebody else may have looked in the same moment; their files are the same bytes.
            insert_or_keep(session, ArtifactRow, row, conflict=("result_id", "name"))


def _photograph(name: str) -> str:
    return name.removesuffix(MAP.suffix)
