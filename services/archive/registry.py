"""Opens the source that a batch names: a folder, or an archive of OVERREAD_ARCHIVES."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from pipelines.core.errors import BadRequest, Forbidden
from services.archive.asked import ArchiveAsked, FolderAsked, read_source
from services.archive.base import Source
from services.archive.dicomweb import Dicomweb
from services.archive.folder import RULES, Folder
from services.known_archives import DicomwebArchive, DimseArchive
from services.settings import Settings


def open_source(source: Mapping[str, object], settings: Settings) -> Source:
    """The source that `source` (as it stands in a batch) means; connections are made when they are needed.

    Raises BadRequest (`bad_source`, `unknown_archive`).
    """
    match asked(source):
        case FolderAsked() as folder:
            return Folder(Path(folder.path), RULES[folder.patient_from], folder.laterality)
        case ArchiveAsked() as archive:
            return _open_archive(archive, settings)


def admit(source: Mapping[str, object], settings: Settings, *, anywhere: bool = False) -> dict[str, object]:
    """The source as a new batch should keep it: checked, complete, its folder without links.

    Over HTTP only folders below OVERREAD_ARCHIVE_FOLDERS may be named, else whoever has a key reads the server's disk;
    a person at the console may name any (`anywhere`). Raises BadRequest (`bad_source`, `unknown_archive`,
    `no_such_folder`), Forbidden (`folder_not_allowed`).
    """
    match asked(source):
        case FolderAsked() as folder:
            path = Path(folder.path).resolve()
            if not anywhere and not any(path.is_relative_to(allowed) for allowed in settings.allowed_folders):
                raise Forbidden("the folder is not below one of OVERREAD_ARCHIVE_FOLDERS", code="folder_not_allowed")
            if not path.is_dir():
                raise BadRequest("there is no such folder on the server", code="no_such_folder")
            return folder.model_copy(update={"path": str(path)}).model_dump(mode="json", by_alias=True)
        case ArchiveAsked() as archive:
            open_source(source, settings).close()
            return archive.model_dump(mode="json", by_alias=True)


def asked(source: Mapping[str, object]) -> FolderAsked | ArchiveAsked:
    """The source as a value; raises BadRequest (`bad_source`)."""
    try:
        return read_source(source)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in ("source", *wrong["loc"]))
        raise BadRequest(f"{place}: {wrong['msg'].removeprefix('Value error, ')}", code="bad_source") from error


def _open_archive(asked: ArchiveAsked, settings: Settings) -> Source:
    known = settings.known_archives.get(asked.archive)
    if known is None:
        raise BadRequest("there is no archive of this name in OVERREAD_ARCHIVES", code="unknown_archive")
    match known:
        case DicomwebArchive():
            return Dicomweb(known, asked.query)
        case DimseArchive():
            # Loads a network stack that folders and DICOMweb do without.
            from services.archive.dimse import Dimse

            return Dimse(known, asked.query, settings)
