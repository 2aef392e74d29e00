"""Turns what a DICOM header says into rows' values: dates read, texts cut to their columns, nothing invented."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from pipelines.imaging.dicom import DicomHeader
from services.store.received import InstanceFacts, PatientFacts, SeriesFacts, StudyFacts
from services.work.outcomes import IntakeOptions

#: Issuer of patient ids that state none: the site's own.
LOCAL_ISSUER: Final = "local"
#: Issuer of studies without a patient id: each is a patient of its own, known by the study's UID, so that two unknown
#: people never become one.
UNIDENTIFIED: Final = "unidentified"
#: Modality is Type 1 (PS3.3 C.7.3.1); where it is absent all the same, PS3.3 C.7.3.1.1.1 has "Other" for it.
OTHER_MODALITY: Final = "OT"
WORD_CHARACTERS: Final = 64
LINE_CHARACTERS: Final = 1024
INTEGER_LIMIT: Final = 2**31  # PS3.5 section 6.2, VR IS
DATE_FORMAT: Final = "%Y%m%d"  # PS3.5 section 6.2, VR DA


def patient_identity(patient_id: str | None, issuer: str | None, study_instance_uid: str) -> tuple[str, str]:
    """(issuer, patient id) under which a patient is known here."""
    if not patient_id:
        return UNIDENTIFIED, study_instance_uid
    return _word(issuer) or LOCAL_ISSUER, patient_id[:LINE_CHARACTERS]


def patient_facts(header: DicomHeader) -> PatientFacts:
    """Whom the header names."""
    issuer, patient_id = patient_identity(header.patient_id, header.issuer, header.study_instance_uid)
    return PatientFacts(
        issuer=issuer,
        patient_id=patient_id,
        name=_line(header.patient_name),
        birth_date=_day(header.birth_date),
        sex=_word(header.sex),
    )


def study_facts(header: DicomHeader, options: IntakeOptions) -> StudyFacts:
    """The study that the header names, with what its sender asked for."""
    return StudyFacts(
        study_instance_uid=header.study_instance_uid,
        study_date=_day(header.study_date),
        description=_line(header.study_description),
        accession_number=_word(header.accession_number),
        priority=options.priority,
        requested_pipeline=options.pipeline,
        hold=options.hold,
        expected_count=options.expected,
        stated_count=_integer(header.study_count),
    )


def series_facts(header: DicomHeader) -> SeriesFacts:
    """The series that the header names."""
    return SeriesFacts(
        series_instance_uid=header.series_instance_uid,
        modality=_word(header.modality) or OTHER_MODALITY,
        body_part=_word(header.body_part),
        description=_line(header.series_description),
        expected_count=_integer(header.series_count),
    )


def instance_facts(
    header: DicomHeader, blob_sha256: str, source_sha256: str | None = None, flag: str | None = None
) -> InstanceFacts:
    """The instance that the header is of, and the blobs that hold it and what it was made of."""
    return InstanceFacts(
        sop_instance_uid=header.sop_instance_uid,
        sop_class_uid=header.sop_class_uid,
        transfer_syntax=header.transfer_syntax,
        blob_sha256=blob_sha256,
        source_sha256=source_sha256,
        instance_number=_integer(header.instance_number),
        laterality=header.laterality,
        rows=header.rows,
        columns=header.columns,
        frames=_integer(header.frames),
        flag=flag,
    )


def _word(value: str | None) -> str | None:
    return value[:WORD_CHARACTERS] if value else None


def _line(value: str | None) -> str | None:
    return value[:LINE_CHARACTERS] if value else None


def _integer(value: int | None) -> int | None:
    """An IS value; None past what the standard and a column can hold."""
    return value if value is not None and abs(value) < INTEGER_LIMIT else None


def _day(value: str | None) -> date | None:
    """A DICOM date; None where it is none, as in files that were blanked out badly."""
    try:
        return datetime.strptime(value, DATE_FORMAT).date() if value else None
    except ValueError:
        return None
