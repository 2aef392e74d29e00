"""Files that are no DICOM and stay as they came: NIfTI volumes and raw MRI data, each one a series of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.core.errors import OverreadError, Unavailable
from pipelines.imaging.foreign import ForeignIdentity, ReadsForeign, read_foreign_header
from pipelines.imaging.sniff import MediaKind
from services.work.outcomes import Readied
from services.work.spool import SpooledFile

#: IANA names neither: these are what the formats' own communities write.
MEDIA_TYPES: Final[Mapping[MediaKind, str]] = {
    MediaKind.NIFTI: "application/x-nifti",
    MediaKind.HDF5: "application/x-hdf5",
}


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """Such a file in the spool."""

    file: SpooledFile
    kind: MediaKind


def ready(
    decoder: ReadsForeign, sent: ForeignFile, patient_id: str | None, study_uid: str | None
) -> Readied | OverreadError:
    """The file with the header that stands for it, or why it cannot be kept; Unavailable is raised.

    `patient_id` and `study_uid` are what the sender stated; None leaves them to the file.
    """
    identity = ForeignIdentity(sent.file.sha256, patient_id, study_uid)
    try:
        header = read_foreign_header(sent.file.path, sent.kind, decoder, identity)
    except Unavailable:
        raise
    except OverreadError as error:
        return error
    return Readied(sent.file, header, media_type=MEDIA_TYPES[sent.kind])
