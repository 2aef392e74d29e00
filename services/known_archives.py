"""The archives that OVERREAD_ARCHIVES names, each a value; secrets stay in files that are read when they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, model_validator

#: PS3.5 Table 6.2-1, VR AE: 16 characters, no backslash, no control character, leading spaces say nothing.
AE_TITLE: Final = r"^[\x21-\x5b\x5d-\x7e][\x20-\x5b\x5d-\x7e]{0,15}$"
#: PS3.8 9.1: the registered ports of DICOM are 104 and 11112.
USUAL_PORT: Final = 104

AETitle = Annotated[str, Field(pattern=AE_TITLE)]
Port = Annotated[int, Field(ge=1, le=65535)]
#: The name of an archive: what people write in requests and what stands in the log.
ArchiveName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]


class Remote(BaseModel):
    """What every archive has; times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_second: float = Field(default=5.0, gt=0, le=1000)
    timeout_seconds: float = Field(default=60.0, gt=0, le=3600)


class DicomwebArchive(Remote):
    """An archive behind QIDO-RS and WADO-RS (PS3.18); `ca_file` holds the authorities its certificate may have."""

    kind: Literal["dicomweb"]
    url: HttpUrl
    user: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    page: int = Field(default=100, ge=1, le=10_000)

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> DicomwebArchive:
        if (self.user is None) is not (self.password_file is None):
            raise ValueError("user and password_file belong together")
        if self.user is not None and self.token_file is not None:
            raise ValueError("either user and password_file or token_file, not both")
        if self.url.username is not None or self.url.password is not None:
            raise ValueError("the url must not hold a password; use user and password_file")
        return self


class Retrieve(StrEnum):
    """How a DIMSE archive hands its objects over (PS3.4 C.4.2, C.4.3)."""

    MOVE = "move"  #: it opens an association to our AE title, which it has to know
    GET = "get"  #: over the association that asked


class DimseArchive(Remote):
    """An archive behind C-FIND and C-MOVE or C-GET; `calling_aet` is ours, which C-MOVE sends to at `listen_port`."""

    kind: Literal["dimse"]
    host: str = Field(min_length=1)
    port: Port = USUAL_PORT
    aet: AETitle
    calling_aet: AETitle = "OVERREAD"
    retrieve: Retrieve = Retrieve.MOVE
    listen_host: str = "0.0.0.0"  # noqa: S104 - the archive is another machine
    listen_port: int = Field(default=0, ge=0, le=65535)

    @model_validator(mode="after")
    def _moves_somewhere(self) -> DimseArchive:
        if self.retrieve is Retrieve.MOVE and not self.listen_port:
            raise ValueError("C-MOVE needs the listen_port that the archive knows for calling_aet")
        return self


KnownArchive = Annotated[DicomwebArchive | DimseArchive, Field(discriminator="kind")]
KnownArchives = Mapping[str, DicomwebArchive | DimseArchive]
_ARCHIVES: Final = TypeAdapter(dict[ArchiveName, KnownArchive])


def read_archives(text: str) -> KnownArchives:
    """The JSON object of OVERREAD_ARCHIVES: name -> archive; empty text has none. Raises pydantic's ValidationError."""
    return _ARCHIVES.validate_json(text) if text.strip() else {}
