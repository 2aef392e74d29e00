"""What a batch may ask for as its source outside: a folder, or studies of an archive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from pipelines.core.types import Laterality
from services.archive.folder import PatientFrom
from services.known_archives import ArchiveName


class FolderAsked(BaseModel):
    """A folder tree on the server; `patient_from` says what names the patients of photographs.

    `laterality` is the side of photographs whose names state none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["folder"]
    path: str = Field(min_length=1, max_length=4096, pattern=r"^/[^\x00]*$", examples=["/export/fundus"])
    patient_from: PatientFrom = PatientFrom.FOLDER
    laterality: Laterality | None = None


class ArchiveQuery(BaseModel):
    """Which studies of an archive; dates are study dates, both included. Studies without a date are never found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")
    modality: str | None = Field(default=None, pattern=r"^[A-Z0-9_ ]{1,16}$")  # PS3.5 Table 6.2-1, VR CS

    @model_validator(mode="after")
    def _in_order(self) -> ArchiveQuery:
        if self.first and self.last and self.first > self.last:
            raise ValueError("from is after to")
        return self


class ArchiveAsked(BaseModel):
    """Studies of an archive that OVERREAD_ARCHIVES names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["archive"]
    archive: ArchiveName
    query: ArchiveQuery = ArchiveQuery()


_SOURCE: Final[TypeAdapter[FolderAsked | ArchiveAsked]] = TypeAdapter(
    Annotated[FolderAsked | ArchiveAsked, Field(discriminator="kind")]
)


def read_source(source: Mapping[str, object]) -> FolderAsked | ArchiveAsked:
    """The source as a value; raises pydantic's ValidationError."""
    return _SOURCE.validate_python(dict(source))
