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
from pipelines.imaging.frames import NiftiHeader
from pipelines.imaging.kspace import KspaceHeader, KspaceIdentity
from pipelines.imaging.sniff import MediaKind

#: What stands for the SOP Class and the transfer syntax of each kind; see codes.py.
FOREIGN_CLASSES: Final = {MediaKind.NIFTI: codes.NIFTI_FILE, MediaKind.HDF5: codes.KSPACE_FILE}
_KINDS: Final = {uid: kind for kind, uid in FOREIGN_CLASSES.items()}
_MODALITY: Final = "MR"  # PS3.3 C.7.3.1.1.1
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")  # PS3.5 section 9
_UID_CHARACTERS: Final = 64  # PS3.5 section 9.1


@dataclass(frozen=True, slots=True)
class ForeignIdentity:
    """Whose file it is: its sha256, and what a sender stated beside it; None leaves it to the file."""

    sha256: str
    patient_id: str | None = None
    study_instance_uid: str | None = None


class ReadsForeign(Protocol):
    """The decoding child as far as these headers need it: hostile bytes are parsed there alone."""

    def nifti_header(self, path: Path) -> NiftiHeader:
        """Shape and place of a NIfTI file, also in gzip; raises BadInput, OutOfMemory, DecoderDied."""

    def kspace_header(self, path: Path) -> KspaceHeader:
        """Sizes and identity of raw data; raises the same."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a file says of itself; `shape` is (columns, rows, slices) of its images."""

    shape: tuple[int, int, int]
    identity: KspaceIdentity


def read_foreign_header(path: Path, kind: MediaKind, decoder: ReadsForeign, identity: ForeignIdentity) -> DicomHeader:
    """The header that stands for such a file; the same file of the same patient and study always gives the same one.

    The study is the stated one, else the file's own, else one derived from the bytes. A name and a birth date belong to
    the patient id beside them: where the sender states another id they are left out. Raises what the decoder raises.
    """
    facts = _facts(path, kind, decoder)
    stated, (columns, rows, slices) = facts.identity, facts.shape
    patient_id = identity.patient_id or stated.patient_id
    is_own = identity.patient_id in {None, stated.patient_id}
    names = (kind.value, identity.sha256, patient_id or "")
    study = identity.study_instance_uid or _uid(stated.study_instance_uid) or derived_uid("foreign study", *names)
    return DicomHeader(
        sop_instance_uid=derived_uid("foreign file", *names, study),
        sop_class_uid=FOREIGN_CLASSES[kind],
        study_instance_uid=study,
        series_instance_uid=derived_uid("foreign series", *names, study),
        transfer_syntax=FOREIGN_CLASSES[kind],
        modality=_MODALITY,
        patient_id=patient_id,
        issuer=None,
        patient_name=stated.patient_name if is_own else None,
        birth_date=stated.birth_date if is_own else None,
        sex=stated.sex if is_own else None,
        study_date=stated.study_date,
        study_time=stated.study_time,
        study_description=stated.study_description,
        series_description=stated.series_description,
        accession_number=stated.accession_number,
        series_number=None,
        instance_number=1,
        laterality=None,
        body_part=stated.body_part,
        manufacturer=stated.manufacturer,
        model_name=stated.model_name,
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


def _facts(path: Path, kind: MediaKind, decoder: ReadsForeign) -> _Facts:
    if kind is MediaKind.NIFTI:
        i, j, k = (*decoder.nifti_header(path).shape, 1, 1, 1)[:3]
        return _Facts((i, j, k), KspaceIdentity())
    header = decoder.kspace_header(path)
    return _Facts((header.columns, header.rows, header.slices * header.partitions), header.identity)


def _uid(value: str | None) -> str | None:
    return value if value and len(value) <= _UID_CHARACTERS and _UID.fullmatch(value) else None
