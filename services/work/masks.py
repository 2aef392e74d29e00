"""Outlines that readers correct: checked in the decoding child, kept beside the model's, never over it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.core.errors import BytesRemoved, Conflict, NotFound, ReviewConflict, Withheld
from pipelines.imaging.grid import Grid
from pipelines.imaging.segments import KIND, Segments, measured_as, read_segments
from services.settings import Settings
from services.store import audit, masks, outbox
from services.store.blind import reads_blind
from services.store.blobs import Published
from services.store.current import is_shown
from services.store.masks import MaskVolume, NewMask, ReadersMask
from services.store.room import room_errors
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.studies import lock_study
from services.store.tables import ArtifactRow, Blob, CurrentResult, Result, ReviewMask, User
from services.work.access import Looker, leave_trace, must_be_kept, told_result, trace_of_result

#: RFC 6713: a compressed NIfTI file has no media type of its own.
MEDIA_TYPE: Final = "application/gzip"
_DIGITS: Final = 4  # of millilitres: a tenth of a cubic millimetre, as the pipelines round


class Counts(Protocol):
    """The decoding child as it is needed here (pipelines.imaging.decoder.Decoder)."""

    def label_counts(self, path: Path, grid: Grid, numbers: Sequence[int]) -> dict[int, int]:
        """Voxels of each label; raises BadMask where the file does not fit."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An outline as it was sent: a compressed NIfTI label map, and the one it was drawn on top of."""

    content: bytes
    base_mask_id: str | None


def save_mask(
    store: Store, settings: Settings, decoder: Counts, actor: str, user_id: str, result_id: str, drawn: Drawn
) -> ReadersMask:
    """Append a reader's outline; `actor` goes to the audit, `user_id` is the person who drew it.

    Raises NotFound, Withheld, Conflict (no_outline, shadow_result, superseded), ReviewConflict where `base_mask_id` is
    not the newest outline of the result, BadMask and what the decoder raises where the file does not fit the model's.
    """
    with unit_of_work(store.database, writing=False) as session:
        result = _correctable(session, result_id)
        if reads_blind(session, user_id, result.slot_id):
            raise Withheld
        study_id, described = result.study_id, _segments_blob(session, result)
        _check_base(masks.of_result(session, result.id), drawn)
    with store.blobs.open(described) as file:
        segments = read_segments(file.read())
    volumes, blob = _published(store, settings, decoder, segments, drawn.content)
    try:
        with unit_of_work(store.database) as session:
            lock_study(session, study_id)
            result = _correctable(session, result_id)
            _check_base(masks.of_result(session, result.id), drawn)
            store.blobs.record(session, blob)
            row = masks.add(session, result, NewMask(user_id, drawn.base_mask_id, blob, volumes))
            _tell(session, actor, result, row)
            return ReadersMask(row, session.get_one(User, user_id).name)
    except IntegrityError as error:
        raise ReviewConflict from error  # two writers took one number: the unique key saw it


def open_masks(store: Store, looker: Looker, result_id: str) -> Sequence[ReadersMask]:
    """The outlines drawn on a result, oldest first; raises NotFound, Withheld."""
    with unit_of_work(store.database, writing=False) as session:
        result = told_result(session, looker, result_id)
        drawn = masks.of_result(session, result_id)
    trace_of_result(store, looker, result)
    return drawn


def open_mask(store: Store, looker: Looker, mask_id: str) -> ReviewMask:
    """One outline; raises NotFound, Withheld, BytesRemoved."""
    with unit_of_work(store.database, writing=False) as session:
        mask = session.get(ReviewMask, mask_id)
        if mask is None:
            raise NotFound("there is no outline of this id")
        result = told_result(session, looker, mask.result_id)
        must_be_kept(session, result.study_id, mask.blob_sha256)
    leave_trace(store, looker, "mask.opened", result.study_id, told=(result.slot_id,), mask=mask_id)
    return mask


def _correctable(session: Session, result_id: str) -> Result:
    result = session.get(Result, result_id)
    if result is None:
        raise NotFound("there is no result of this id")
    if not is_shown(session, result):
        raise Conflict("a shadow result is not shown to patients' readers and takes no outline", code="shadow_result")
    pointer = session.get(CurrentResult, result.slot_id)
    if pointer is None or result.id not in {pointer.result_id, pointer.proposed_result_id}:
        raise Conflict("a newer result has replaced this one; correct that one's outline", code="superseded")
    return result


def _segments_blob(session: Session, result: Result) -> str:
    """The digest of what says the labels and the grid of the model's outline."""
    described = select(ArtifactRow).where(ArtifactRow.result_id == result.id, ArtifactRow.kind == KIND)
    artifact = session.scalar(described)
    if artifact is None:
        raise Conflict("the result has no outline to correct", code="no_outline")
    blob = session.get(Blob, artifact.blob_sha256)
    if blob is None or blob.removed_at is not None:
        raise BytesRemoved
    return artifact.blob_sha256


def _check_base(there: Sequence[ReadersMask], drawn: Drawn) -> None:
    newest = there[-1].mask.id if there else None
    if drawn.base_mask_id != newest:
        raise ReviewConflict("another outline was saved since you began; look at the newest one and decide again")


def _published(
    store: Store, settings: Settings, decoder: Counts, segments: Segments, content: bytes
) -> tuple[tuple[MaskVolume, ...], Published]:
    """The outline's volumes, and its bytes in the store; nothing is open in the database meanwhile."""
    with room_errors():
        settings.spool_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=settings.spool_dir) as folder:
            path = Path(folder) / "outline"
            path.write_bytes(content)
            counts = decoder.label_counts(path, segments.grid, [segment.number for segment in segments.segments])
            return _volumes(segments, counts), store.blobs.publish(
                path, hashlib.sha256(content).hexdigest(), MEDIA_TYPE
            )


def _volumes(segments: Segments, counts: dict[int, int]) -> tuple[MaskVolume, ...]:
    """Counted on the source's grid; a model may count on its own, and then differ by a fraction of a percent."""
    return tuple(
        MaskVolume(
            measured_as(segment),
            segment.laterality,
            round(counts[segment.number] * segments.grid.voxel_ml, _DIGITS),
            counts[segment.number],
        )
        for segment in segments.segments
    )


def _tell(session: Session, actor: str, result: Result, row: ReviewMask) -> None:
    audit.record(session, actor, "mask.saved", result.study_id, result=result.id, mask=row.id, number=row.number)
    outbox.emit(session, "review", result.study_id, {"result": result.id, "mask": row.id})
