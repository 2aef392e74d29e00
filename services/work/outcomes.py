"""Values of intake: a file whose header was read, what its sender wants, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipelines.core.errors import OverreadError
from pipelines.imaging.dicom import DicomHeader
from services.store.states import Priority
from services.work.spool import SpooledFile

DICOM_MEDIA_TYPE: Final = "application/dicom"  # RFC 3240


class FileStatus(StrEnum):
    """What became of one file that was sent."""

    STORED = "stored"  #: kept
    DUPLICATE = "duplicate"  #: this object was there already, in the same bytes or by another route
    CONFLICT = "conflict"  #: kept beside another object of the same SOP Instance UID, and flagged
    REJECTED = "rejected"  #: not kept as an instance; `code` says why


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """The answer for one file; `name` is the sender's own, `study_id` is None where nothing was kept."""

    name: str
    status: FileStatus
    code: str | None = None
    detail: str | None = None
    sop_instance_uid: str | None = None
    study_id: str | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the system holds this file now."""
        return self.status is not FileStatus.REJECTED


@dataclass(frozen=True, slots=True)
class IntakeOptions:
    """What the sender asked for; `source` is the way the files came, `hold` waits for `complete`.

    `expected` is how many images each study will hold, where the sender knows.
    """

    source: str = "rest"
    priority: Priority = Priority.ROUTINE
    pipeline: str | None = None
    hold: bool = False
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Readied:
    """A file whose header was read; `photograph` is the picture it was made of, with its media type."""

    file: SpooledFile
    header: DicomHeader
    photograph: tuple[SpooledFile, str] | None = None
    media_type: str = DICOM_MEDIA_TYPE

    @property
    def name(self) -> str:
        """What the sender called the file."""
        return self.photograph[0].name if self.photograph else self.file.name

    @property
    def is_sent_object(self) -> bool:
        """Whether the file was sent as a DICOM object, and not made of what was sent."""
        return self.photograph is None and self.media_type == DICOM_MEDIA_TYPE

    @property
    def source_sha256(self) -> str | None:
        """The digest of the picture as it was sent."""
        return self.photograph[0].sha256 if self.photograph else None


def rejected(name: str, error: OverreadError) -> FileOutcome:
    """The answer for a file that was refused."""
    return FileOutcome(name, FileStatus.REJECTED, error.code, error.sentence)
