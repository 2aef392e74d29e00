"""Headers for files that are no DICOM: NIfTI volumes and raw MRI data, under identities derived from their bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pipelines.core import codes
from pipelines.core.errors import UnsuitableInput
from pipelines.core.receipt import derived_uid
from pipelines.core.types import InstanceFile
from pipelines.imaging.dicom import DicomHeader, read_header
from pipelines.imaging.sniff import MediaKind

#: What stands for the SOP Class and the transfer syntax of each kind; see codes.py.
FOREIGN_CLASSES: Final = {MediaKind.NIFTI: codes.NIFTI_FILE, MediaKind.HDF5: codes.KSPACE_FILE}
_KINDS: Final = {uid: kind for kind, uid in FOREIGN_CLASSES.items()}
_MODALITY: Final = "MR"  # PS3.3 C.7.3.1.1.1
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")  # PS3.5 section 9
_UID_CHARACTERS: Final = 64  # PS3.5 section 9.1
_SEXES: Final = frozenset({"M", "F", "O"})  # PS3.3 C.7.1.1; ISMRMRD's schema has the same three
_DATE_DIGITS: Final = 8  # PS3.5 section 6.2, VR DA
_TIME_DIGITS: Final = 6  # PS3.5 section 6.2, VR TM, without fractions
_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TEXT_CHARACTERS: Final = 256  # as read_header cuts DICOM's own


@dataclass(frozen=True, slots=True)
class ForeignIdentity:
    """Whose file it is: its sha256, and what a sender stated beside it; None leaves it to the file."""

    sha256: str
    patient_id: str | None = None
    study_instance_uid: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignFacts:
    """What a file that is no DICOM says of itself; `shape` is (columns, rows, slices) of its images.

    Dates and times as DICOM writes them or as XML does (2026-11-22, 10:00:00); texts as they stand in the file.
    """

    shape: tuple[int, int, int]
    patient_id: str | None = None
    patient_name: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    study_instance_uid: str | None = None
    study_date: str | None = None
    study_time: str | None = None
    study_description: str | None = None
    series_description: str | None = None
    accession_number: str | None = None
    body_part: str | None = None
    manufacturer: str | None = None
    model_name: str | None = None


class ReadsForeign(Protocol):
    """The decoding child as far as these headers need it: hostile bytes are parsed there alone."""

    def foreign_facts(self, path: Path, kind: MediaKind) -> ForeignFacts:
        """What the NIfTI (also in gzip) or HDF5 file says of itself; raises BadInput, OutOfMemory, DecoderDied."""


def read_foreign_header(path: Path, kind: MediaKind, decoder: ReadsForeign, identity: ForeignIdentity) -> DicomHeader:
    """The header that stands for such a file; the same file of the same patient and study always gives the same one.

    The study is the stated one, else the file's own, else one derived from the bytes. A name and a birth date belong to
    the patient id beside them: where the sender states another id they are left out. Raises what the decoder raises.
    """
    facts = decoder.foreign_facts(path, kind)
    patient_id = identity.patient_id or _text(facts.patient_id)
    is_own = identity.patient_id in {None, _text(facts.patient_id)}
    names = (kind.value, identity.sha256, patient_id or "")
    study = identity.study_instance_uid or _uid(facts.study_instance_uid) or derived_uid("foreign study", *names)
    columns, rows, slices = facts.shape
    return DicomHeader(
        sop_instance_uid=derived_uid("foreign file", *names, study),
        sop_class_uid=FOREIGN_CLASSES[kind],
        study_instance_uid=study,
        series_instance_uid=derived_uid("foreign series", *names, study),
        transfer_syntax=FOREIGN_CLASSES[kind],
        modality=_MODALITY,
        patient_id=patient_id,
        issuer=None,
        patient_name=_text(facts.patient_name) if is_own else None,
        birth_date=_digits(facts.birth_date, _DATE_DIGITS) if is_own else None,
        sex=facts.sex if is_own and facts.sex in _SEXES else None,
        study_date=_digits(facts.study_date, _DATE_DIGITS),
        study_time=_digits(facts.study_time, _TIME_DIGITS),
        study_description=_text(facts.study_description),
        series_description=_text(facts.series_description),
        accession_number=_text(facts.accession_number),
        series_number=None,
        instance_number=1,
        laterality=None,
        body_part=_text(facts.body_part),
        manufacturer=_text(facts.manufacturer),
        model_name=_text(facts.model_name),
        rows=rows,
        columns=columns,
        frames=slices,
        samples=1,
        bits_allocated=None,
        bits_stored=None,
        photometric_interpretation=None,
        has_pixel_data=True,
    )


def kind_of_class(sop_class_uid: str) -> MediaKind | None:
    """Which kind of file stands under this SOP Class; None for DICOM's own classes."""
    return _KINDS.get(sop_class_uid)


def header_of_instance(instance: InstanceFile, decoder: ReadsForeign) -> DicomHeader:
    """The header of an instance, whatever kind of file it is. Raises BadInput."""
    kind = kind_of_class(instance.sop_class_uid)
    if kind is None:
        return read_header(instance.path)
    identity = ForeignIdentity(instance.sha256, instance.patient_id, instance.study_instance_uid)
    header = read_foreign_header(instance.path, kind, decoder, identity)
    if header.sop_instance_uid != instance.sop_instance_uid:
        raise UnsuitableInput("the file is stored under another identity than its own", code="identity_mismatch")
    return header


def _uid(value: str | None) -> str | None:
    return value if value and len(value) <= _UID_CHARACTERS and _UID.fullmatch(value) else None


def _digits(value: str | None, count: int) -> str | None:
    """An XML date or time as DICOM writes it: 2026-11-22 is 20261122, without its zone and fractions."""
    return _NOT_DIGITS.sub("", value)[:count] or None if value else None


def _text(value: str | None) -> str | None:
    return _CONTROL.sub("", value).strip()[:_TEXT_CHARACTERS] or None if value else None
