"""The XML header of ISMRM raw data as values; source: ismrmrd.xsd of ISMRMRD 1.13 (Inati et al., MRM 2017;77:411)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from pipelines.core.errors import NotAnImage, UnsuitableInput
from pipelines.imaging.kspace import KspaceIdentity, Protocol

MAX_BYTES: Final = 4_000_000  # headers with every vendor parameter stay below 1 MB
_TEXT: Final = 256  # four times what DICOM's LO may hold (PS3.5 Table 6.2-1)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SEXES: Final = frozenset({"M", "F", "O"})
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Limits:
    """Which steps of an encoding were acquired and which of them is the middle of k-space; None: not said."""

    minimum: int
    maximum: int
    centre: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoded space: matrices (x, y, z), fields of view in mm, the two phase encodings' limits."""

    matrix: tuple[int, int, int]
    view_mm: Triple
    recon_matrix: tuple[int, int, int]
    recon_view_mm: Triple
    steps: tuple[Limits | None, Limits | None]
    trajectory: str
    calibration_mode: str | None


@dataclass(frozen=True, slots=True)
class RawHeader:
    """What the XML says."""

    encodings: tuple[Encoding, ...]
    identity: KspaceIdentity
    protocol: Protocol
    channels: int | None


def parse(text: bytes) -> RawHeader:
    """The header; raises NotAnImage (kspace_header) where it is no such XML, or declares entities."""
    if len(text) > MAX_BYTES or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise NotAnImage("the raw data's XML header is too large or declares entities", code="kspace_header")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  entities are refused above, size and memory are bounded
    except ElementTree.ParseError as error:
        raise NotAnImage("the raw data's header is not XML", code="kspace_header") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    found = root.findall("encoding")
    if not found:
        raise NotAnImage("the raw data's header describes no encoding", code="kspace_header")
    channels = _text(root, "acquisitionSystemInformation/receiverChannels")
    return RawHeader(
        encodings=tuple(_encoding(each) for each in found),
        identity=_identity(root),
        protocol=_protocol(root),
        channels=int(channels) if channels and channels.isdigit() else None,
    )


def _encoding(element: ElementTree.Element) -> Encoding:
    matrix, view = _matrix(element, "encodedSpace"), _view(element, "encodedSpace")
    recon = element.find("reconSpace")
    return Encoding(
        matrix=matrix,
        view_mm=view,
        recon_matrix=_matrix(element, "reconSpace") if recon is not None else matrix,
        recon_view_mm=_view(element, "reconSpace") if recon is not None else view,
        steps=(_limits(element, "kspace_encoding_step_1"), _limits(element, "kspace_encoding_step_2")),
        trajectory=(_text(element, "trajectory") or "").lower(),
        calibration_mode=_text(element, "parallelImaging/calibrationMode"),
    )


def _matrix(element: ElementTree.Element, space: str) -> tuple[int, int, int]:
    x, y, z = (_number(element, f"{space}/matrixSize/{axis}") for axis in "xyz")
    if not x or not y or min(x, y) < 1:
        raise NotAnImage("the raw data's header gives no matrix size", code="kspace_header")
    return int(x), int(y), max(int(z or 1), 1)


def _view(element: ElementTree.Element, space: str) -> Triple:
    x, y, z = (_number(element, f"{space}/fieldOfView_mm/{axis}") for axis in "xyz")
    if not x or not y or not z or min(x, y, z) <= 0:
        raise UnsuitableInput("the raw data's header gives no field of view", code="kspace_header")
    return x, y, z


def _limits(element: ElementTree.Element, step: str) -> Limits | None:
    lowest, highest, centre = (
        _number(element, f"encodingLimits/{step}/{name}") for name in ("minimum", "maximum", "center")
    )
    if lowest is None or highest is None or centre is None:
        return None
    return Limits(int(lowest), int(highest), int(centre))


def _identity(root: ElementTree.Element) -> KspaceIdentity:
    sex = _text(root, "subjectInformation/patientGender")
    return KspaceIdentity(
        patient_id=_text(root, "subjectInformation/patientID"),
        patient_name=_text(root, "subjectInformation/patientName"),
        birth_date=_digits(root, "subjectInformation/patientBirthdate", 8),
        sex=sex if sex in _SEXES else None,
        study_instance_uid=_text(root, "studyInformation/studyInstanceUID"),
        study_date=_digits(root, "studyInformation/studyDate", 8),
        study_time=_digits(root, "studyInformation/studyTime", 6),
        accession_number=_text(root, "studyInformation/accessionNumber"),
        study_description=_text(root, "studyInformation/studyDescription"),
        series_description=_text(root, "measurementInformation/seriesDescription")
        or _text(root, "measurementInformation/protocolName"),
        body_part=_text(root, "studyInformation/bodyPartExamined"),
        manufacturer=_text(root, "acquisitionSystemInformation/systemVendor"),
        model_name=_text(root, "acquisitionSystemInformation/systemModel"),
        frame_of_reference_uid=_text(root, "measurementInformation/frameOfReferenceUID"),
        patient_position=_text(root, "measurementInformation/patientPosition"),
    )


def _protocol(root: ElementTree.Element) -> Protocol:
    return Protocol(
        repetition_ms=_number(root, "sequenceParameters/TR"),
        echo_ms=_number(root, "sequenceParameters/TE"),
        inversion_ms=_number(root, "sequenceParameters/TI"),
        flip_degrees=_number(root, "sequenceParameters/flipAngle_deg"),
        field_tesla=_number(root, "acquisitionSystemInformation/systemFieldStrength_T"),
        sequence=_text(root, "sequenceParameters/sequence_type"),
    )


def _text(element: ElementTree.Element, path: str) -> str | None:
    """The first value there, free of control characters; None where absent or empty."""
    return _CONTROL.sub("", element.findtext(path) or "").strip()[:_TEXT] or None


def _number(element: ElementTree.Element, path: str) -> float | None:
    """A finite number; None where there is none."""
    try:
        value = float(element.findtext(path) or "")
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _digits(element: ElementTree.Element, path: str, count: int) -> str | None:
    """2026-01-31 or 12:34:56 as DICOM writes them; None where it is not of that form."""
    digits = re.sub("[-:]", "", _text(element, path) or "")[:count]
    return digits if len(digits) == count and digits.isdigit() else None
