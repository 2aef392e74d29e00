"""Makes DICOM objects of the photographs of one request: whose they are, which eye, which study."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar

from pipelines.core.errors import LateralityRequired, OverreadError, Unavailable
from pipelines.core.receipt import derived_uid
from pipelines.core.types import Laterality
from pipelines.imaging.dicom import read_header
from pipelines.imaging.laterality import from_name
from pipelines.imaging.photograph import PhotographIdentity, WrappedPhotograph, instance_uid
from pipelines.imaging.sniff import MediaKind
from services.store import sources
from services.store.session import unit_of_work
from services.store.sources import Holder
from services.store.stores import Store
from services.work.dates import UNDATED, Dated, ReadsClocks, begin_of
from services.work.facts import patient_identity
from services.work.outcomes import FileOutcome, FileStatus, Readied
from services.work.spool import SpooledFile

MEDIA_TYPES: Final = {MediaKind.JPEG: "image/jpeg", MediaKind.PNG: "image/png", MediaKind.TIFF: "image/tiff"}


Value = TypeVar("Value")


class WrapsPhotographs(ReadsClocks, Protocol):
    """The memory-limited child process that decodes pictures (pipelines.imaging.decoder.Decoder is one)."""

    def wrap_photograph(self, source: Path, target: Path, identity: PhotographIdentity) -> WrappedPhotograph:
        """Write the picture at `source` as a DICOM object to `target`."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture in the spool; `stated` is the eye its sender named for it, if any, `dated` when it was taken."""

    file: SpooledFile
    kind: MediaKind
    stated: Laterality | None = None
    dated: Dated = UNDATED

    @property
    def laterality(self) -> Laterality:
        """The eye: stated, or by the file's name. Raises LateralityRequired."""
        side = self.stated or from_name(self.file.name)
        if side is None:
            raise LateralityRequired("state the eye of this photograph: laterality R, L or B")
        return side


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose photographs these are: no patient id and no study UID are things a sender may leave open."""

    patient_id: str | None
    study_uid: str | None

    def is_of(self, holder: Holder) -> bool:
        """Whether an instance is of this patient. Pictures of unnamed patients that are equal are of one person."""
        issuer, patient_id = patient_identity(self.patient_id, None, holder.study_instance_uid)
        return (holder.issuer, holder.patient_id) == (issuer, patient_id)


@dataclass(frozen=True, slots=True)
class Planned:
    """A photograph with its identity; `known` is the instance it became on an earlier day."""

    photograph: Photograph
    identity: PhotographIdentity
    known: Holder | None

    @property
    def outcome(self) -> FileOutcome | None:
        """The answer where nothing is left to do."""
        if self.known is None:
            return None
        uid, study_id = self.known.sop_instance_uid, self.known.study_id
        return FileOutcome(self.photograph.file.name, FileStatus.DUPLICATE, None, None, uid, study_id)


def fits(stated: Sequence[object], numbers: Sequence[int | None], files: int) -> bool:
    """Whether so many values can be of these photographs: none, one, one for each file or for each photograph."""
    return len(stated) in {0, 1, files, sum(number is not None for number in numbers)}


def in_order(stated: Sequence[Value], numbers: Sequence[int | None], files: int) -> list[Value | None]:
    """What its sender stated of each photograph: one for all, or one for each file, or each photograph, in order.

    `numbers` are the photographs' places among the request's `files`, None for those that came in an archive.
    """
    if len(stated) == 1:
        return [stated[0] for _ in numbers]
    sent = [number for number in numbers if number is not None]
    if len(stated) == files:
        return [stated[number] if number is not None else None for number in numbers]
    if len(stated) == len(sent):
        return [stated[sent.index(number)] if number is not None else None for number in numbers]
    return [None for _ in numbers]


def plan(store: Store, photographs: Sequence[Photograph], visit: Visit) -> list[Planned]:
    """Say for photographs with a known eye which study each belongs to.

    A stated study UID is taken. Else the photographs of one request are one visit: they join the study in which some of
    them are stored already for this patient and eye, or make a new one whose UID follows from the patient and the
    pictures, so that sending them again makes no second study.
    """
    with unit_of_work(store.database, writing=False) as session:
        found = [
            [
                holder
                for holder in sources.holders_of(session, store.site_id, one.file.sha256)
                if visit.is_of(holder) and holder.laterality == one.laterality
            ]
            for one in photographs
        ]
        study_uid = visit.study_uid or _study_uid(photographs, visit, [holder for some in found for holder in some])
        number = sources.count_instances(session, store.site_id, study_uid)
        known_date = sources.study_date(session, store.site_id, study_uid)
    taken = known_date or begin_of(one.dated.taken for one in photographs if one.dated.taken is not None)
    received = datetime.now(UTC)
    planned = []
    for offset, (one, holders) in enumerate(zip(photographs, found, strict=True), start=1):
        identity = PhotographIdentity(
            patient_id=visit.patient_id or "",
            study_instance_uid=study_uid,
            laterality=one.laterality,
            instance_number=number + offset,
            acquired=one.dated.taken,
            by_camera=one.dated.by_camera,
            study_taken=taken,
            received=received,
        )
        uid = instance_uid(one.file.sha256, identity)
        known = [one for one in holders if visit.study_uid is None or one.sop_instance_uid == uid]
        planned.append(Planned(one, identity, known[0] if known else None))
    return planned


def _study_uid(photographs: Sequence[Photograph], visit: Visit, holders: Sequence[Holder]) -> str:
    known = {holder.study_instance_uid for holder in holders}
    if len(known) == 1:
        return known.pop()
    pictures = sorted({one.file.sha256 for one in photographs})
    return derived_uid("photograph study", visit.patient_id or "", *pictures)


def wrap(decoder: WrapsPhotographs, planned: Sequence[Planned]) -> Iterator[Readied | OverreadError]:
    """Make each planned photograph a DICOM file beside it in the spool; errors are values, one for each that failed.

    Raises Unavailable where it is not the photograph's fault.
    """
    for one in planned:
        source = one.photograph.file
        target = source.path.with_suffix(".dcm")
        try:
            decoder.wrap_photograph(source.path, target, one.identity)
            with target.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            made = SpooledFile(target, sha256, target.stat().st_size, source.name)
            yield Readied(made, read_header(target), (source, MEDIA_TYPES[one.photograph.kind]))
        except Unavailable:
            raise
        except OverreadError as error:
            yield error
