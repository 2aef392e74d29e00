"""What the DICOM objects that Overread makes have in common: patient, study, UIDs and dates taken from their source."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset

from pipelines.core.errors import UnsuitableInput
from pipelines.core.receipt import derived_uid, digest
from pipelines.core.types import Reading
from pipelines.exporters.base import Source
from pipelines.exporters.json import reading_json
from pipelines.imaging.dicom import DicomHeader

MANUFACTURER: Final = "Overread"


def object_uid(kind: str, reading: Reading, source: Source, *parts: str) -> str:
    """The UID of an object of this `kind`: from the receipt, and from what a reader may have changed since."""
    said = {"findings": reading_json(reading)["findings"], "verified_by": source.verified_by}
    return derived_uid(kind, reading.receipt.digest, digest(said), *parts)


def evidence(header: DicomHeader) -> Dataset:
    """The attributes of an image that objects about it take over; Type 2 ones that it lacks are empty."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = header.sop_class_uid, header.sop_instance_uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = header.study_instance_uid, header.series_instance_uid
    dataset.PatientID, dataset.PatientName = header.patient_id or "", header.patient_name or ""
    if header.issuer:
        dataset.IssuerOfPatientID = header.issuer
    dataset.PatientBirthDate, dataset.PatientSex = header.birth_date or "", header.sex or ""
    dataset.StudyDate, dataset.StudyTime = header.study_date or "", header.study_time or ""
    dataset.AccessionNumber = header.accession_number or ""
    dataset.StudyID = dataset.ReferringPhysicianName = ""
    dataset.Modality = header.modality or "OT"
    if header.rows and header.columns:
        dataset.Rows, dataset.Columns = header.rows, header.columns
    return dataset


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
