"""What the DICOM objects that Overread makes have in common: patient, study, UIDs and dates taken from their source."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

from pipelines.core.errors import UnsuitableInput
from pipelines.core.receipt import derived_uid, digest
from pipelines.core.types import Reading
from pipelines.exporters.base import Source
from pipelines.exporters.json import reading_json
from pipelines.imaging.dicom import DicomHeader

MANUFACTURER: Final = "Overread"
_SEXES: Final = frozenset({"M", "F", "O"})  # PS3.3 C.7.1.1


def object_uid(kind: str, reading: Reading, source: Source, *parts: str) -> str:
    """The UID of an object of this `kind`: from the receipt, the images, and what a reader may have changed since.

    The images, since a file that names no patient itself may be read for two of them, and gives one receipt.
    """
    said = {
        "findings": reading_json(reading)["findings"],
        "verified_by": source.verified_by,
        "images": [header.sop_instance_uid for header in source.headers],
    }
    return derived_uid(kind, reading.receipt.digest, digest(said), *parts)


def evidence(header: DicomHeader) -> Dataset:
    """The attributes of an image that objects about it take over; Type 2 ones that it lacks are empty.

    So are those whose value is none of their kind, such as a month 13 or a sex "U": archives refuse objects that repeat
    it. The image itself keeps what it said.
    """
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = header.sop_class_uid, header.sop_instance_uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = header.study_instance_uid, header.series_instance_uid
    dataset.PatientID, dataset.PatientName = header.patient_id or "", (header.patient_name or "").split("\\")[0]
    if header.issuer:
        dataset.IssuerOfPatientID = header.issuer
    dataset.PatientBirthDate = conforming(DA, header.birth_date)
    dataset.PatientSex = header.sex if header.sex in _SEXES else ""
    dataset.StudyDate, dataset.StudyTime = conforming(DA, header.study_date), conforming(TM, header.study_time)
    dataset.AccessionNumber = header.accession_number or ""
    dataset.StudyID = dataset.ReferringPhysicianName = ""
    dataset.Modality = header.modality or "OT"
    if header.rows and header.columns:
        dataset.Rows, dataset.Columns = header.rows, header.columns
    return dataset


@contextmanager
def unquoted_names() -> Iterator[None]:
    """Within the block highdicom says nothing of names with a single component: its warning quotes them to the log."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is unlikely to represent the intended person name", UserWarning)
        yield


def conforming(kind: type[DA | TM], value: str | None) -> str:
    """The date or time as it stands, or nothing where it is none. Source: PS3.5 section 6.2."""
    try:
        return value if value and kind(value) is not None else ""
    except ValueError:
        return ""


def header_of(source: Source, sop_instance_uid: str) -> DicomHeader:
    """The header of the image with this UID; raises UnsuitableInput where the source does not hold it."""
    for header in source.headers:
        if header.sop_instance_uid == sop_instance_uid:
            return header
    raise UnsuitableInput("the header of an image that was read is missing")


def dated(dataset: Dataset, made: datetime) -> None:
    """Set when the content was made; nothing else in a derived object knows a clock."""
    dataset.ContentDate, dataset.ContentTime = made.strftime("%Y%m%d"), made.strftime("%H%M%S")
    dataset.SeriesDate, dataset.SeriesTime = dataset.ContentDate, dataset.ContentTime
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = dataset.ContentDate, dataset.ContentTime


def as_bytes(dataset: Dataset) -> bytes:
    """The object as a DICOM Part 10 file."""
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()
