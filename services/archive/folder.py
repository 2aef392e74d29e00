"""A folder tree as a source: DICOM by its studies, photographs by the folder or the name that says whose they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Final, Protocol

from pipelines.core.errors import NotAnImage, SourceRefused
from pipelines.core.types import Laterality
from pipelines.imaging.dicom import header_of
from pipelines.imaging.laterality import from_name, without_side
from pipelines.imaging.sniff import PREFIX_BYTES, MediaKind, sniff
from services.archive.base import CHUNK_BYTES, FetchedFile
from services.archive.listing import Found, Tree, reason_of

#: More photographs than this in one folder are not of one visit, so the folder cannot say whose they are.
VISIT_PHOTOGRAPHS: Final = 32
#: PS3.5 Table 6.2-1, VR LO: 64 characters, no backslash, no control character.
_PATIENT_ID: Final = re.compile(r"[^\\\x00-\x1f\x7f]{1,64}")
#: A file with such a name is meant to be an image: where its bytes are none, intake says so. Others are passed over.
_IMAGE_SUFFIXES: Final = frozenset({".dcm", ".dicom", ".ima", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".nii", ".h5"})
_VOLUMES: Final = frozenset({MediaKind.NIFTI, MediaKind.HDF5})
_GZIPPED_VOLUME: Final = ".nii.gz"
#: What a batch can write down of a place.
LOCATOR_CHARACTERS: Final = 1024
#: Files with the same key that follow each other are one study; () is a file that nothing needs.
Key = tuple[str, ...]


class PatientFrom(StrEnum):
    """What says whose a photograph is."""

    FOLDER = "folder"  #: the first folder below the root; the folder it lies in is one visit
    NAME = "name"  #: its own name without the side: `10_left.jpeg` and `10_right.jpeg` are patient 10


class NamesPatients(Protocol):
    """A rule that reads from a photograph's place whose it is."""

    def patient_id(self, found: Found) -> str | None:
        """The patient id; None where the place says nothing. Raises SourceRefused (`source_ambiguous`)."""

    def visit(self, found: Found) -> Key:
        """What photographs of one visit share."""


class ByName:
    """Patients by the names of photographs."""

    def patient_id(self, found: Found) -> str | None:
        """The name without side and extension."""
        return _fitting(without_side(found.parts[-1]))

    def visit(self, found: Found) -> Key:
        """The folder, and the name without the side."""
        return (*found.parts[:-1], without_side(found.parts[-1]))


class ByFolder:
    """Patients by the first folder below the root; photographs in the root itself go by their names."""

    def patient_id(self, found: Found) -> str | None:
        """The first folder's name."""
        return _fitting(found.parts[0]) if len(found.parts) > 1 else ByName().patient_id(found)

    def visit(self, found: Found) -> Key:
        """The folder it lies in."""
        return found.parts[:-1] or ByName().visit(found)


RULES: Final[dict[PatientFrom, NamesPatients]] = {PatientFrom.FOLDER: ByFolder(), PatientFrom.NAME: ByName()}


class Folder:
    """A folder tree, see base.Source; a locator is the path of the first file of a run of files of one study."""

    def __init__(self, root: Path, rule: NamesPatients, side: Laterality | None = None) -> None:
        """`root` is absolute and without links; `side` is that of photographs whose names state none."""
        self._tree = Tree(os.fspath(root))
        self._rule = rule
        self._side = side
        self._walk: Iterator[str] = iter(())
        self._last: str | None = ""  # no locator is empty, so the first call begins a walk

    def locators(self, after: str | None, limit: int) -> Sequence[str]:
        """See base.Source; asked for the page behind the last one it goes on walking, else it finds its place anew."""
        if after != self._last:
            self._walk = self._locators(found_at(after) if after is not None else None)
        page = list(islice(self._walk, limit))
        # Behind the end every question is a new one: files may have come.
        self._last = page[-1] if len(page) == limit else ""
        return page

    def fetch(self, locator: str) -> Iterator[FetchedFile]:
        """See base.Source."""
        first = found_at(locator)
        if not first.is_readable:
            raise SourceRefused("the folder may not be read", code="source_unreadable")
        key = self._key_or_raise(first)
        patient_id = self._rule.patient_id(first) if key[:1] != ("dicom",) else None
        group: Iterator[Found] = chain([first], self._rest(first, key))
        if key[:1] == ("photographs",):
            group = iter(_of_one_visit(group))
        for found in group:
            name = str(found.path)
            yield FetchedFile(name, self._chunks(found), patient_id, from_name(name) or self._side)

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _locators(self, after: Found | None) -> Iterator[str]:
        last = self._key(after) if after is not None else ()
        for found in self._tree.files(after):
            key = self._key(found)
            if key and key != last:
                last = key
                locator = locator_of(found)
                if len(locator) > LOCATOR_CHARACTERS:
                    raise SourceRefused(
                        "a path below the folder is too long", code="source_path", limit=LOCATOR_CHARACTERS
                    )
                yield locator

    def _rest(self, first: Found, key: Key) -> Iterator[Found]:
        """The files behind the first one that are of the same study."""
        for found in self._tree.files(first):
            this = self._key(found)
            if this and this != key:
                return
            if this:
                yield found

    def _key(self, found: Found) -> Key:
        """What groups a file with its neighbours; what cannot be read is a study of its own, so that it is told of."""
        if not found.is_readable:
            return ("folder", *found.parts)
        try:
            return self._key_or_raise(found)
        except SourceRefused as error:
            return () if error.code == "source_gone" else ("refused", *found.parts)

    def _key_or_raise(self, found: Found) -> Key:
        """The key of a file by its bytes. Raises SourceRefused, SourceUnavailable."""
        name = found.parts[-1].lower()
        with self._tree.opened(found.parts) as file:
            try:
                kind = sniff(file.read(PREFIX_BYTES))
                if kind is MediaKind.DICOM:
                    file.seek(0)
                    return ("dicom", header_of(file, os.fstat(file.fileno()).st_size).study_instance_uid)
            except NotAnImage:
                return ("single", *found.parts)
            except OSError as error:
                raise reason_of(error) from error
        if kind.is_photograph:
            return ("photographs", *self._rule.visit(found))
        is_meant = kind in _VOLUMES or name.endswith(_GZIPPED_VOLUME) or found.path.suffix.lower() in _IMAGE_SUFFIXES
        return ("single", *found.parts) if is_meant else ()

    def _chunks(self, found: Found) -> Iterator[bytes]:
        with self._tree.opened(found.parts) as file:
            while chunk := _read(file.fileno()):
                yield chunk


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK_BYTES)
    except OSError as error:
        raise reason_of(error) from error


def _of_one_visit(group: Iterator[Found]) -> list[Found]:
    photographs = list(islice(group, VISIT_PHOTOGRAPHS + 1))
    if len(photographs) > VISIT_PHOTOGRAPHS:
        raise SourceRefused(
            "the folder holds more photographs than one visit has; say patient_from: name",
            code="source_ambiguous",
            limit=VISIT_PHOTOGRAPHS,
        )
    return photographs


def _fitting(name: str) -> str | None:
    """A name as a patient id: cut or mended, two people's names could become one."""
    if not name:
        return None
    if not _PATIENT_ID.fullmatch(name) or not name.isprintable():
        raise SourceRefused("the name that says whose this is cannot be a patient id", code="source_ambiguous")
    return name


def locator_of(found: Found) -> str:
    """A place as text that a database takes: bytes that are no UTF-8 are written %hh, and a folder ends in a slash."""
    text = "/".join(found.parts).replace("%", "%25")
    return re.sub(r"[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02x}", text) + (
        "" if found.is_readable else "/"
    )


def found_at(locator: str) -> Found:
    """The place that a locator names; raises SourceRefused where it is none."""
    text = re.sub(r"%([0-9a-f]{2})", lambda code: _character(int(code[1], 16)), locator)
    parts = tuple(text.removesuffix("/").split("/"))
    if any(part in {"", ".", ".."} for part in parts):
        raise SourceRefused("this is no place below the folder", code="source_gone")
    return Found(parts, is_readable=not text.endswith("/"))


def _character(byte: int) -> str:
    return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)  # PEP 383: bytes that are no UTF-8
