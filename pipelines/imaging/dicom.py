"""Reads DICOM headers, defensively: lengths and headers only, no pixel is decoded and no large value is held."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.uid import AllTransferSyntaxes

from pipelines.core.errors import BadInput, NotAnImage
from pipelines.core.types import Laterality
from pipelines.imaging import announced
from pipelines.imaging.content import Content
from pipelines.imaging.structure import PixelElement, Structure, walk

_PREAMBLE: Final = 128  # PS3.10 7.1
_DICOMDIR: Final = "1.2.840.10008.1.3.10"  # PS3.4 Media Storage Directory
_MAX_TEXT: Final = 256  # four times what LO and a PN component may hold (PS3.5 Table 6.2-1)
#: One frame; the largest detectors and scanned films stay below a quarter of it.
_MAX_FRAME_PIXELS: Final = 2**29
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")  # PS3.5 section 9; leading zeros, though wrong, do no harm
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PN_DELIMITERS: Final = {0x5E, 0x3D}  # ^ and =, at which the character set falls back to the first (PS3.5 6.1.2.5.3)
#: Video keeps all frames in one fragment: PS3.5 8.2.5 (MPEG2, MPEG-4, HEVC).
_VIDEO: Final = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?")
#: JPEG, JPEG-LS, JPEG 2000, HTJ2K, RLE: PS3.5 A.4, all below these roots.
_ENCAPSULATED: Final = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5")
_KNOWN_SYNTAXES: Final = frozenset(str(uid) for uid in AllTransferSyntaxes) | {"1.2.840.113619.5.2"}  # GE private

_CHARACTER_SET: Final = 0x00080005
_SOP_CLASS_UID: Final = 0x00080016
_SOP_INSTANCE_UID: Final = 0x00080018
_STUDY_DATE: Final = 0x00080020
_STUDY_TIME: Final = 0x00080030
_ACCESSION_NUMBER: Final = 0x00080050
_MODALITY: Final = 0x00080060
_MANUFACTURER: Final = 0x00080070
_STUDY_DESCRIPTION: Final = 0x00081030
_SERIES_DESCRIPTION: Final = 0x0008103E
_MODEL_NAME: Final = 0x00081090
_PATIENT_NAME: Final = 0x00100010
_PATIENT_ID: Final = 0x00100020
_ISSUER: Final = 0x00100021
_BIRTH_DATE: Final = 0x00100030
_SEX: Final = 0x00100040
_BODY_PART: Final = 0x00180015
_STUDY_UID: Final = 0x0020000D
_SERIES_UID: Final = 0x0020000E
_SERIES_NUMBER: Final = 0x00200011
_INSTANCE_NUMBER: Final = 0x00200013
_LATERALITY: Final = 0x00200060
_IMAGE_LATERALITY: Final = 0x00200062
_SAMPLES: Final = 0x00280002
_PHOTOMETRIC: Final = 0x00280004
_FRAMES: Final = 0x00280008
_ROWS: Final = 0x00280010
_COLUMNS: Final = 0x00280011
_BITS_ALLOCATED: Final = 0x00280100
_BITS_STORED: Final = 0x00280101
_WANTED: Final = frozenset(
    {_CHARACTER_SET, _SOP_CLASS_UID, _SOP_INSTANCE_UID, _STUDY_DATE, _STUDY_TIME, _ACCESSION_NUMBER, _MODALITY}
    | {_MANUFACTURER, _STUDY_DESCRIPTION, _SERIES_DESCRIPTION, _MODEL_NAME, _PATIENT_NAME, _PATIENT_ID, _ISSUER}
    | {_BIRTH_DATE, _SEX, _BODY_PART, _STUDY_UID, _SERIES_UID, _SERIES_NUMBER, _INSTANCE_NUMBER, _LATERALITY}
    | {_IMAGE_LATERALITY, _SAMPLES, _PHOTOMETRIC, _FRAMES, _ROWS, _COLUMNS, _BITS_ALLOCATED, _BITS_STORED}
    | announced.TAGS
)


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """What intake has to know of an object. Text is free of control characters; what is absent or empty is None."""

    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax: str
    modality: str | None
    patient_id: str | None
    issuer: str | None
    patient_name: str | None
    birth_date: str | None
    sex: str | None
    study_date: str | None
    study_time: str | None
    study_description: str | None
    series_description: str | None
    accession_number: str | None
    series_number: int | None
    instance_number: int | None
    laterality: Laterality | None
    body_part: str | None
    manufacturer: str | None
    model_name: str | None
    rows: int | None
    columns: int | None
    frames: int
    samples: int | None
    bits_allocated: int | None
    bits_stored: int | None
    photometric_interpretation: str | None
    has_pixel_data: bool
    series_count: int | None = None  # images that the object says its series holds
    study_count: int | None = None  # images that the object says its study holds


def read_header(path: Path) -> DicomHeader:
    """The header of a DICOM Part 10 file.

    Raises NotAnImage with code empty_file, not_dicom, dicomdir, unknown_transfer_syntax, truncated_header,
    nesting_bomb, missing_uid, invalid_uid, absurd_dimensions or truncated_pixels; OSError where it cannot be read.
    """
    with path.open("rb") as file:
        return header_of(file, os.fstat(file.fileno()).st_size)


def header_of(file: BinaryIO, size: int) -> DicomHeader:
    """The header of an open file of `size` bytes, from its beginning; see read_header."""
    if size == 0:
        raise NotAnImage("the file is empty", code="empty_file")
    if file.read(_PREAMBLE + 4)[_PREAMBLE:] != b"DICM":
        raise NotAnImage("the file is neither DICOM, a photograph (JPEG, PNG, TIFF), NIfTI nor HDF5")
    structure = walk(file, size, _KNOWN_SYNTAXES, _WANTED)
    header = _Fields(structure).header()
    if structure.pixels is not None and structure.pixels.length:
        _check_pixels(header, structure.pixels)
    return header


def read_content(path: Path) -> str | None:
    """The digest (hex) of what the object of a file says, however it is coded; see pipelines.imaging.content.

    None where the file is no DICOM object, or broken so that readers may disagree on it. Raises OSError.
    """
    content = Content()
    with path.open("rb") as file:
        if file.read(_PREAMBLE + 4)[_PREAMBLE:] != b"DICM":
            return None
        try:
            structure = walk(file, os.fstat(file.fileno()).st_size, _KNOWN_SYNTAXES, frozenset(), content)
        except NotAnImage:
            return None
    return content.hexdigest(structure.transfer_syntax) if structure.is_regular else None


class _Fields:
    """Decodes the values that a walk kept."""

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self._endian = ">" if structure.is_big_endian else "<"
        names = structure.values.get(_CHARACTER_SET, b"").decode("ascii", "replace").split("\\")
        self._encodings = _encodings([name.strip("\0 ") for name in names])

    def header(self) -> DicomHeader:
        """All fields; raises NotAnImage where a UID is missing or no UID."""
        pixels = self._structure.pixels
        if self._structure.media_class == _DICOMDIR:
            raise NotAnImage("a DICOMDIR is a table of contents, not an image", code="dicomdir")
        return DicomHeader(
            sop_instance_uid=self._uid(_SOP_INSTANCE_UID, "SOP Instance UID"),
            sop_class_uid=self._uid(_SOP_CLASS_UID, "SOP Class UID"),
            study_instance_uid=self._uid(_STUDY_UID, "Study Instance UID"),
            series_instance_uid=self._uid(_SERIES_UID, "Series Instance UID"),
            transfer_syntax=self._structure.transfer_syntax,
            modality=self._word(_MODALITY),
            patient_id=self._identifier(_PATIENT_ID),
            issuer=self._identifier(_ISSUER),
            patient_name=self._text(_PATIENT_NAME),
            birth_date=self._word(_BIRTH_DATE),
            sex=self._word(_SEX),
            study_date=self._word(_STUDY_DATE),
            study_time=self._word(_STUDY_TIME),
            study_description=self._text(_STUDY_DESCRIPTION),
            series_description=self._text(_SERIES_DESCRIPTION),
            accession_number=self._text(_ACCESSION_NUMBER),
            series_number=self._integer_text(_SERIES_NUMBER),
            instance_number=self._integer_text(_INSTANCE_NUMBER),
            laterality=_side(self._word(_IMAGE_LATERALITY)) or _side(self._word(_LATERALITY)),
            body_part=self._word(_BODY_PART),
            manufacturer=self._text(_MANUFACTURER),
            model_name=self._text(_MODEL_NAME),
            rows=self._short(_ROWS),
            columns=self._short(_COLUMNS),
            frames=self._frames(),
            samples=self._short(_SAMPLES),
            bits_allocated=self._short(_BITS_ALLOCATED),
            bits_stored=self._short(_BITS_STORED),
            photometric_interpretation=self._word(_PHOTOMETRIC),
            has_pixel_data=pixels is not None and pixels.length > 0,
            series_count=announced.in_series(self._integer_text, self._short, self._text),
            study_count=announced.in_study(self._integer_text),
        )

    def _bytes(self, tag: int) -> bytes:
        return self._structure.values.get(tag, b"")

    def _word(self, tag: int) -> str | None:
        """The first value of a CS, UI, DA or TM element."""
        first = self._bytes(tag).decode("ascii", "replace").split("\\")[0]
        return _clean(first)

    def _text(self, tag: int) -> str | None:
        """A value in the object's character set; what does not decode is replaced."""
        value = self._bytes(tag)
        try:
            # UserWarning: pydicom warns of escapes it does not know, which a strict program turns into an error.
            text = decode_bytes(value, self._encodings, _PN_DELIMITERS if tag == _PATIENT_NAME else set())
        except (LookupError, ValueError, UserWarning):
            text = value.decode("latin-1")
        return _clean(text.rstrip("\0 ^=") if tag == _PATIENT_NAME else text)

    def _identifier(self, tag: int) -> str | None:
        """A text that tells patients apart: read as Latin-1 where it does not decode (U+FFFD): no two become one."""
        text = self._text(tag)
        return text if text is None or "\ufffd" not in text else _clean(self._bytes(tag).decode("latin-1"))

    def _uid(self, tag: int, name: str) -> str:
        value = self._word(tag)
        if value is None:
            raise NotAnImage(f"the object has no {name}", code="missing_uid")
        if len(value) > 64 or not _UID.fullmatch(value):  # PS3.5 9.1: 64 characters
            raise NotAnImage(f"the {name} is not a UID", code="invalid_uid")
        return value

    def _integer_text(self, tag: int) -> int | None:
        """An IS value; None where it is no whole number."""
        try:
            return int(self._word(tag) or "")
        except ValueError:
            return None

    def _short(self, tag: int) -> int | None:
        """A US value; None where it has another length."""
        value = self._bytes(tag)[:2]
        return int(struct.unpack(self._endian + "H", value)[0]) if len(value) == 2 else None

    def _frames(self) -> int:
        """Number of Frames, 1 where it is absent; raises NotAnImage where it is no positive number."""
        if self._word(_FRAMES) is None:
            return 1
        frames = self._integer_text(_FRAMES)
        if frames is None or frames < 1:
            raise NotAnImage("the number of frames is no positive number", code="absurd_dimensions")
        return frames


def _encodings(names: list[str]) -> list[str]:
    """Python's names for Specific Character Set; Latin-1, which decodes anything, for what is unknown."""
    try:
        return list(convert_encodings(names))
    except (LookupError, ValueError, UserWarning):
        return ["iso8859"]


def _clean(text: str) -> str | None:
    """Text without padding and control characters (databases refuse NUL), cut to a sane length; None where empty."""
    return _CONTROL.sub("", text).strip()[:_MAX_TEXT] or None


def _side(value: str | None) -> Laterality | None:
    try:
        return Laterality(value) if value else None
    except ValueError:
        return None


def _check_pixels(header: DicomHeader, pixels: PixelElement) -> None:
    """Whether rows, columns and frames can be true, given the bytes there are; raises NotAnImage."""
    rows, columns = header.rows or 0, header.columns or 0
    if not rows or not columns or rows * columns > _MAX_FRAME_PIXELS:
        raise NotAnImage("rows and columns make no image", code="absurd_dimensions", rows=rows, columns=columns)
    if pixels.is_encapsulated:
        if not _VIDEO.fullmatch(header.transfer_syntax) and header.frames > pixels.fragments:
            raise _absurd(header.frames, pixels.fragments, "frames", "fragments")
    elif header.transfer_syntax.startswith(_ENCAPSULATED):
        raise NotAnImage("compressed pixel data is not encapsulated", code="truncated_pixels")
    else:
        needed = _native_bytes(header)
        if pixels.is_complete and needed > pixels.length:
            raise _absurd(needed, pixels.length, "bytes needed", "bytes present")
    if not pixels.is_complete:
        raise NotAnImage("the file ends inside its pixel data", code="truncated_pixels")


def _native_bytes(header: DicomHeader) -> int:
    """The bytes that uncompressed pixel data takes, PS3.5 8.1.1; YBR_FULL_422 stores two samples a pixel."""
    samples = 2 if header.photometric_interpretation == "YBR_FULL_422" else header.samples or 1
    pixels = (header.rows or 0) * (header.columns or 0) * header.frames
    return pixels * samples * (header.bits_allocated or 8) // 8


def _absurd(needed: int, present: int, needs: str, has: str) -> BadInput:
    facts: dict[str, object] = {needs: needed, has: present}
    return NotAnImage("the image is larger than its pixel data", code="absurd_dimensions", **facts)
