from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

from pydicom import dcmread
from pydicom.dataset import Dataset

from pipelines.core.types import Reading
from pipelines.exporters.base import Source
from pipelines.exporters.sr import StructuredReportExporter
from tests.pipelines.exporters.samples import findings, reading, source


def report(made: Reading, of: Source | None = None) -> Dataset:
    (export,) = StructuredReportExporter().export(made, of or source())
    return dcmread(io.BytesIO(export.content))


def items(dataset: Dataset) -> Iterator[Dataset]:
    for item in dataset.get("ContentSequence", []):
        yield item
        yield from items(item)


def said(dataset: Dataset, name: str) -> list[str]:
    """What the report says under a concept, in order."""
    named = [item for item in items(dataset) if item.ConceptNameCodeSequence[0].CodeValue == name]
    return [
        item.ConceptCodeSequence[0].CodeValue
        if item.ValueType == "CODE"
        else str(item.MeasuredValueSequence[0].NumericValue)
        for item in named
    ]


def test_the_grades_of_patient_and_eyes_are_in_the_report() -> None:
    made = report(reading(left=2, right=0))
    assert said(made, "4855003") == ["LA18645-4", "LA18645-4", "LA18643-9"]
    assert said(made, "312912001") == ["dme-risk-1"] * 3
    assert said(made, "referable-dr") == ["0.8"] * 3
    assert said(made, "probability") == ["0.6"] * 3


def test_an_ungradable_eye_is_said_to_be_so_and_has_no_grade() -> None:
    made = report(reading(left=None, right=3))
    assert said(made, "4855003") == ["LA18646-2", "LA18646-2"]
    assert said(made, "image-quality") == ["ungradable"]


def test_a_report_is_unverified_until_a_reader_signed() -> None:
    before, after = report(reading()), report(reading(), source(verified_by="Smith^Jane"))
    assert (before.VerificationFlag, before.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert (after.VerificationFlag, after.PreliminaryFlag) == ("VERIFIED", "FINAL")
    assert str(after.VerifyingObserverSequence[0].VerifyingObserverName) == "Smith^Jane"
    assert before.SOPInstanceUID != after.SOPInstanceUID


def test_an_edited_finding_makes_another_report() -> None:
    made = reading()
    edited = replace(made, findings=(*findings(None, 4), *made.findings[3:]))
    assert report(made).SOPInstanceUID != report(edited).SOPInstanceUID
    assert said(report(edited), "4855003")[0] == "LA18648-8"


def test_every_image_is_evidence() -> None:
    (study,) = report(reading()).CurrentRequestedProcedureEvidenceSequence
    uids = {
        item.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert uids == {"1.2.3.4.1", "1.2.3.4.2"}


def test_patient_and_study_are_the_photographs() -> None:
    made = report(reading())
    assert (made.PatientID, str(made.PatientName), made.StudyInstanceUID) == ("P-1", "Müller^Jürgen", "1.2.3")
    assert (made.ContentDate, made.AccessionNumber) == ("20260102", "A-1")


def test_values_that_are_none_of_their_kind_are_left_empty_and_cost_no_report() -> None:
    odd = {"patient_name": "Doe^Jane\\Extra", "birth_date": "unknown", "sex": "U"}
    when = {"study_date": "20261399", "study_time": "noon"}
    made = report(reading(), replace(source(), headers=[replace(one, **odd, **when) for one in source().headers]))
    assert str(made.PatientName) == "Doe^Jane"
    assert {made.PatientBirthDate, made.PatientSex, made.StudyDate, made.StudyTime} <= {"", None}
