"""The findings as a DICOM Comprehensive SR; source: PS3.16 TID 1500 (measurement report) and TID 1501."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from highdicom import sr
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian

from pipelines.core import codes
from pipelines.core.receipt import derived_uid
from pipelines.core.types import Code, Finding, ImageReading, Laterality, Reading
from pipelines.exporters.base import Export, Exporter, Source
from pipelines.exporters.derived import (
    MANUFACTURER,
    as_bytes,
    dated,
    evidence,
    header_of,
    object_uid,
    unquoted_names,
)
from pipelines.imaging.foreign import kind_of_class
from pipelines.imaging.ophthalmic import file_meta

_SERIES_NUMBER: Final = 902
_ORGANIZATION: Final = "UNKNOWN"  # Type 1 beside a verifier's name, PS3.3 C.17.2
#: Finding label -> value -> its code; a label that is not here is a measurement.
_GRADED: Final = {"dr_grade": codes.ICDR_GRADES, "dme_risk": codes.MACULAR_EDEMA_RISKS}
_UNITS: Final = {"ml": codes.MILLILITERS, "%": codes.PERCENT}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a pipeline's reports are about: the procedure, the organ, and how an image in doubt is spoken of."""

    procedure: Code
    site: Code | None
    doubt: Code


#: Pipeline -> what its reports are about.
_SUBJECTS: Final[Mapping[str, Subject]] = {
    "retinopathy": Subject(codes.FUNDUS_PHOTOGRAPHY, codes.RETINA, codes.UNGRADABLE),
    "segmentation": Subject(codes.BRAIN_MRI, codes.HIPPOCAMPUS, codes.NEEDS_REVIEW),
}
_OTHER: Final = Subject(codes.IMAGING, None, codes.NEEDS_REVIEW)
#: Labels that are volumes -> the part of the organ that they are the volume of, None for all of it.
_VOLUMES: Final[Mapping[str, Code | None]] = {
    "anterior": codes.ANTERIOR,
    "posterior": codes.POSTERIOR,
    "hippocampus": None,
}


class StructuredReportExporter(Exporter):
    """All findings of a reading in one report, by side.

    A reading of files that are no DICOM gives none: a report refers to DICOM instances.
    """

    name = "sr"

    def export(self, reading: Reading, source: Source) -> tuple[Export, ...]:
        """One file, report.dcm, or none; raises UnsuitableInput where the header of an image is missing."""
        headers = [header_of(source, image.sop_instance_uid) for image in reading.images]
        if any(kind_of_class(header.sop_class_uid) for header in headers):
            return ()
        with unquoted_names():
            content = as_bytes(_report(reading, source))
        return (Export("report.dcm", "application/dicom", content),)


def _report(reading: Reading, source: Source) -> sr.ComprehensiveSR:
    uids = dict.fromkeys(image.sop_instance_uid for image in reading.images)  # both sides may lie in one image
    headers = [header_of(source, uid) for uid in uids]
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", reading.model.sha256),
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=f"{reading.model.name} {reading.model.version}",
    )
    context = sr.ObserverContext(observer_type=_code(codes.DEVICE), observer_identifying_attributes=device)
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=context),
        procedure_reported=_code(_subject(reading).procedure),
        imaging_measurements=_groups(reading, source),
        title=_code(codes.IMAGING_MEASUREMENT_REPORT),
    )
    report = sr.ComprehensiveSR(
        evidence=[evidence(header) for header in headers],
        content=content[0],
        series_instance_uid=object_uid("sr series", reading, source),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=object_uid("sr", reading, source),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=source.verified_by is not None,
        is_verified=source.verified_by is not None,
        verifying_observer_name=source.verified_by,
        verifying_organization=_ORGANIZATION if source.verified_by else None,
    )
    report.SpecificCharacterSet = "ISO_IR 192"  # highdicom leaves it out; names are not all ASCII
    report.SeriesDescription = "Overread: findings"
    report.file_meta = file_meta(ComprehensiveSRStorage, str(report.SOPInstanceUID), ExplicitVRLittleEndian)
    dated(report, source.made)
    moment = source.made.strftime("%Y%m%d%H%M%S")
    for observer in report.get("VerifyingObserverSequence", []):
        observer.VerificationDateTime = moment
    for equipment in report.get("ContributingEquipmentSequence", []):  # highdicom names itself, at the present time
        equipment.ContributionDateTime = moment
    return report


def _groups(reading: Reading, source: Source) -> list[sr.MeasurementsAndQualitativeEvaluations]:
    """One group for the patient and one for each side, in the order of the findings."""
    sides = list(dict.fromkeys(finding.laterality for finding in reading.findings))
    return [_group(reading, source, side) for side in sides]


def _group(reading: Reading, source: Source, side: Laterality | None) -> sr.MeasurementsAndQualitativeEvaluations:
    # No finding type (TID 1501 row 3 is optional): "Finding: retinopathy" over grade 0 would be read as its opposite.
    found = [finding for finding in reading.findings if finding.laterality == side]
    images = [image for image in reading.images if side is None or image.laterality == side]
    site = _subject(reading).site
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=object_uid("tracking", reading, source, side or ""), identifier=f"Overread {side or 'patient'}"
        ),
        finding_sites=[sr.FindingSite(_code(site), _code(codes.SIDES[side]) if side else None)] if site else None,
        algorithm_id=sr.AlgorithmIdentification(name=reading.model.name, version=reading.model.version),
        measurements=[each for finding in found for each in measured(finding)],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(*pair) for pair in [*evaluated(found), *_doubted(images, _subject(reading).doubt)]
        ],
        source_images=[_source_image(source, uid) for uid in dict.fromkeys(each.sop_instance_uid for each in images)],
    )


def _subject(reading: Reading) -> Subject:
    return _SUBJECTS.get(reading.pipeline, _OTHER)


def _source_image(source: Source, sop_instance_uid: str) -> sr.SourceImageForMeasurementGroup:
    header = header_of(source, sop_instance_uid)
    return sr.SourceImageForMeasurementGroup(header.sop_class_uid, header.sop_instance_uid)


def measured(finding: Finding) -> list[sr.Measurement]:
    """The number of a finding that has one, and the probability of the class that was chosen."""
    if finding.label not in _GRADED:
        if not isinstance(finding.value, int | float):
            return []
        unit = _code(_UNITS.get(finding.unit or "", codes.NO_UNITS))
        if finding.label not in _VOLUMES:
            return [sr.Measurement(_code(finding.code), float(finding.value), unit)]
        part = _VOLUMES[finding.label]
        site = sr.FindingSite(
            _code(codes.HIPPOCAMPUS),
            _code(codes.SIDES[finding.laterality]) if finding.laterality else None,
            _code(part) if part else None,
        )
        return [sr.Measurement(_code(codes.VOLUME), float(finding.value), unit, finding_sites=[site])]
    probability = (finding.probabilities or {}).get(str(finding.value))
    if finding.label != "dr_grade" or probability is None:
        return []
    return [sr.Measurement(_code(codes.GRADE_PROBABILITY), probability, _code(codes.NO_UNITS))]


def evaluated(found: Sequence[Finding]) -> list[tuple[sr.CodedConcept, sr.CodedConcept]]:
    """Name and value of each graded finding."""
    return [
        (_code(finding.code), _code(_GRADED[finding.label][finding.value]))
        for finding in found
        if finding.label in _GRADED and isinstance(finding.value, int)
    ]


def _doubted(images: Sequence[ImageReading], doubt: Code) -> list[tuple[sr.CodedConcept, sr.CodedConcept]]:
    """Where no image can be relied on, that."""
    if any(image.quality.gradable for image in images):
        return []
    return [(_code(codes.IMAGE_QUALITY), _code(doubt))]


def _code(code: Code) -> sr.CodedConcept:
    return sr.CodedConcept(code.value, code.scheme, code.meaning)
