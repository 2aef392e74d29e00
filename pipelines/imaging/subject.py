"""Makes a subject of files on local disk, without any service: photographs are wrapped, all others read as they are."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.core.errors import BadInput, NotAnImage
from pipelines.core.receipt import derived_uid
from pipelines.core.types import InstanceFile, Laterality, Subject
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.dicom import DicomHeader, read_header
from pipelines.imaging.foreign import FOREIGN_CLASSES, ForeignIdentity, read_foreign_header
from pipelines.imaging.laterality import from_name
from pipelines.imaging.photograph import PhotographIdentity
from pipelines.imaging.sniff import MediaKind, sniff_file

#: The patient of photographs that are read locally: nobody.
LOCAL_PATIENT = "LOCAL"


@dataclass(frozen=True, slots=True)
class LocalSubject:
    """A subject with the headers of its instances, in the same order."""

    subject: Subject
    headers: tuple[DicomHeader, ...]


@contextmanager
def subject_from_files(paths: Sequence[Path], decoder: Decoder, kind: str = "study") -> Iterator[LocalSubject]:
    """Several files as one study, for the time of the block.

    Photographs become DICOM objects in a temporary folder; their side comes from the file's name (laterality.from_name)
    or stays unknown. The same image given twice is taken once, as at the door. Raises BadInput for a file that cannot
    be read, its message naming the file's place in `paths`.
    """
    with tempfile.TemporaryDirectory(prefix="overread-") as folder:
        hashes = [_sha256(path) for path in paths]
        study = derived_uid("local study", *sorted(hashes))
        ranks = {sha256: rank for rank, sha256 in enumerate(sorted(set(hashes)), start=1)}
        images: dict[tuple[str, str], tuple[InstanceFile, DicomHeader]] = {}
        for number, path in enumerate(paths):
            try:
                pair = _instance(path, Path(folder) / f"{number}.dcm", study, ranks[hashes[number]], decoder)
            except BadInput as error:
                if len(paths) > 1:
                    error.add_note(f"file {number + 1} of {len(paths)}")
                raise
            # By UID and bytes: one picture given for both eyes has two UIDs, and other bytes of one UID are no copy.
            images.setdefault((pair[0].sop_instance_uid, pair[0].sha256), pair)
        found = sorted(images.values(), key=lambda pair: hashlib.sha256(pair[0].sop_instance_uid.encode()).digest())
        instances, headers = zip(*found, strict=True) if found else ((), ())
        yield LocalSubject(Subject(kind, tuple(instances)), tuple(headers))


def _instance(path: Path, target: Path, study: str, rank: int, decoder: Decoder) -> tuple[InstanceFile, DicomHeader]:
    """One file as an instance; a photograph is wrapped to `target` first, numbered by its rank among the hashes."""
    kind, side = sniff_file(path), from_name(path.name)
    if kind.is_photograph:
        identity = PhotographIdentity(LOCAL_PATIENT, study, side, instance_number=rank)
        decoder.wrap_photograph(path, target, identity)
        path = target
    elif kind is MediaKind.EMPTY:
        raise NotAnImage("the file is empty", code="empty_file")
    header = _header(path, kind, decoder)
    return _file(path, header, header.laterality), header


def _header(path: Path, kind: MediaKind, decoder: Decoder) -> DicomHeader:
    """Of a DICOM object, a NIfTI volume (also in gzip) or raw data."""
    if kind is MediaKind.GZIP:
        kind = MediaKind.NIFTI  # a tar of files is for intake alone
    if kind in FOREIGN_CLASSES:
        return read_foreign_header(path, kind, decoder, ForeignIdentity(_sha256(path)))
    return read_header(path)


def _file(path: Path, header: DicomHeader, side: Laterality | None) -> InstanceFile:
    return InstanceFile(
        path=path,
        sha256=_sha256(path),
        sop_instance_uid=header.sop_instance_uid,
        sop_class_uid=header.sop_class_uid,
        modality=header.modality or "",
        series_instance_uid=header.series_instance_uid,
        study_instance_uid=header.study_instance_uid,
        laterality=side,
        instance_number=header.instance_number,
    )


def _sha256(path: Path) -> str:
    """Of the file's bytes; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
