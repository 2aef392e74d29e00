"""A study's report as a DICOM Comprehensive SR; source: PS3.16 TID 2000 (basic diagnostic imaging report)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Final

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian

from pipelines.core import codes
from pipelines.core.errors import UnsuitableInput
from pipelines.core.receipt import derived_uid, digest
from pipelines.core.report import Caution, Part, Report, Section
from pipelines.core.types import Code, Finding, Laterality
from pipelines.exporters.derived import MANUFACTURER, as_bytes, dated, evidence, unquoted_names
from pipelines.exporters.sr import evaluated, measured
from pipelines.imaging.dicom import DicomHeader
from pipelines.imaging.foreign import kind_of_class
from pipelines.imaging.ophthalmic import file_meta

_SERIES_NUMBER: Final = 905
_ORGANIZATION: Final = "UNKNOWN"  # Type 1 beside a verifier's name, PS3.3 C.17.2
_CONTAINS: Final = sr.RelationshipTypeValues.CONTAINS
#: Headings of PS3.16 CID 7001, by what a section is about.
_HEADINGS: Final = {
    Part.ANSWER: codes.IMPRESSIONS,
    Part.STUDY: codes.CURRENT_PROCEDURE_DESCRIPTIONS,
    Part.READING: codes.FINDINGS,
    Part.FOOT: codes.FINDINGS,
}
#: Elements of PS3.16 CID 7002: what a line of a section says.
_ELEMENTS: Final = {
    Part.ANSWER: codes.IMPRESSION,
    Part.STUDY: codes.PROCEDURE_DESCRIPTION,
    Part.READING: codes.FINDING,
    Part.FOOT: codes.COMMENT,
}


def report_object(report: Report, headers: Sequence[DicomHeader]) -> bytes:
    """The report as a DICOM file about the images of these headers; equal reports give equal bytes.

    Complete, final and verified only where readers answer for the page. Raises UnsuitableInput where there is no image
    that an object may refer to.
    """
    images = [header for header in headers if not kind_of_class(header.sop_class_uid)]
    if not images:
        raise UnsuitableInput("a DICOM report refers to DICOM images, and the study has none", code="no_dicom_images")
    with unquoted_names():
        return as_bytes(_object(report, images))


def _object(report: Report, images: Sequence[DicomHeader]) -> sr.ComprehensiveSR:
    said = digest([report.as_of.isoformat(), *report.words(), *(header.sop_instance_uid for header in images)])
    signed = report.signatures[0] if report.signatures else None
    made = sr.ComprehensiveSR(
        evidence=[evidence(header) for header in images],
        content=_document(report, said),
        series_instance_uid=derived_uid("report series", said),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=derived_uid("report", said),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=signed is not None,
        is_final=signed is not None,
        is_verified=signed is not None,
        verifying_observer_name=signed.reader if signed else None,
        verifying_organization=_ORGANIZATION if signed else None,
    )
    made.SpecificCharacterSet = "ISO_IR 192"  # highdicom leaves it out; names are not all ASCII
    made.SeriesDescription = f"Overread: report ({report.mark})"
    made.TimezoneOffsetFromUTC = "+0000"
    made.file_meta = file_meta(ComprehensiveSRStorage, str(made.SOPInstanceUID), ExplicitVRLittleEndian)
    dated(made, report.as_of)
    _verified(made, report)
    moment = report.as_of.strftime("%Y%m%d%H%M%S")
    for equipment in made.get("ContributingEquipmentSequence", []):  # highdicom names itself, at the present time
        equipment.ContributionDateTime = moment
    return made


def _verified(made: Dataset, report: Report) -> None:
    """Everybody whose word counts verifies; highdicom knows one, at the present time."""
    observers = []
    for signature in dict.fromkeys(report.signatures):
        observer = deepcopy(made.VerifyingObserverSequence[0])
        observer.VerifyingObserverName = signature.reader
        observer.VerificationDateTime = signature.signed_at.strftime("%Y%m%d%H%M%S")
        observers.append(observer)
    if observers:
        made.VerifyingObserverSequence = observers


def _document(report: Report, said: str) -> Dataset:
    root = sr.ContainerContentItem(_code(codes.DIAGNOSTIC_IMAGING_REPORT), template_id="2000")
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("report device", said), name=MANUFACTURER, manufacturer_name=MANUFACTURER
    )
    context = sr.ObserverContext(observer_type=_code(codes.DEVICE), observer_identifying_attributes=device)
    language = sr.LanguageOfContentItemAndDescendants(_code(codes.ENGLISH))
    head = sr.ContentSequence([*language, *sr.ObservationContext(observer_device_context=context)])
    status = _line(codes.COMMENT, f"{report.title}: {report.mark}")
    root.ContentSequence = sr.ContentSequence([*head, status, *(_section(section) for section in report.sections)])
    return root


def _section(section: Section) -> sr.ContainerContentItem:
    """A heading's container: its own words, each line as text; what counts, and what warns, once more as codes."""
    item = sr.ContainerContentItem(_code(_HEADINGS[section.part]), relationship_type=_CONTAINS)
    element = _ELEMENTS[section.part]
    texts = [_line(codes.COMMENT, section.heading)]
    texts += [_line(element, f"{line.name}: {line.text}") for line in section.lines]
    texts += [_line(codes.COMMENT, picture.caption) for picture in section.pictures]
    warned = [_caution(caution) for line in section.lines for caution in line.cautions]
    item.ContentSequence = sr.ContentSequence([*texts, *_coded(section.findings), *warned])
    return item


def _coded(findings: Sequence[Finding]) -> Iterator[sr.ContentItem]:
    for finding in findings:
        for name, value in evaluated([finding]):
            yield _sided(sr.CodeContentItem(name, value, relationship_type=_CONTAINS), finding.laterality)
        for number in (item for group in measured(finding) for item in group):
            number.RelationshipType = _CONTAINS.value
            yield _sided(number, finding.laterality)


def _caution(caution: Caution) -> sr.ContentItem:
    item = sr.CodeContentItem(_code(codes.FINDING), _code(caution.code), relationship_type=_CONTAINS)
    return _sided(item, caution.laterality)


def _sided(item: sr.ContentItem, laterality: Laterality | None) -> sr.ContentItem:
    """The item with the side that it is of, where it says none yet; without one it is of the patient."""
    if laterality is not None and "ContentSequence" not in item:
        side = sr.CodeContentItem(
            _code(codes.LATERALITY),
            _code(codes.SIDES[laterality]),
            relationship_type=sr.RelationshipTypeValues.HAS_CONCEPT_MOD,
        )
        item.ContentSequence = sr.ContentSequence([side])
    return item


def _line(concept: Code, words: str) -> sr.TextContentItem:
    return sr.TextContentItem(_code(concept), words, relationship_type=_CONTAINS)


def _code(code: Code) -> sr.CodedConcept:
    return sr.CodedConcept(code.value, code.scheme, code.meaning)
