from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydicom import dcmread

from pipelines.core.codes import KSPACE_FILE
from pipelines.core.errors import UnsuitableInput
from pipelines.core.report import Line, Part, Report, Section, Signature
from pipelines.exporters.report import report_object
from tests.pipelines.exporters.samples import source

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PAGE = Report(
    "S", "Imaging report", "Name Doe", NOON, (Section(Part.ANSWER, "What counts", (Line("Grade", "none"),)),), ()
)


def test_raw_data_alone_have_no_dicom_report() -> None:
    raw = [replace(header, sop_class_uid=KSPACE_FILE) for header in source().headers]
    with pytest.raises(UnsuitableInput) as refused:
        report_object(PAGE, raw)
    assert refused.value.code == "no_dicom_images"


def test_everybody_whose_word_counts_verifies_at_their_own_time() -> None:
    signed = replace(PAGE, signatures=(Signature("carol", NOON), Signature("dora", NOON.replace(hour=13))))
    made = dcmread(io.BytesIO(report_object(signed, source().headers)))
    assert [(str(one.VerifyingObserverName), one.VerificationDateTime) for one in made.VerifyingObserverSequence] == [
        ("carol", "20260102120000"),
        ("dora", "20260102130000"),
    ]


def test_the_report_is_about_every_image_and_its_patient() -> None:
    made = dcmread(io.BytesIO(report_object(PAGE, source().headers)))
    (study,) = made.CurrentRequestedProcedureEvidenceSequence
    images = [one for series in study.ReferencedSeriesSequence for one in series.ReferencedSOPSequence]
    assert len(images) == len(source().headers)
    assert (made.PatientID, str(made.PatientName)) == ("P-1", "Müller^Jürgen")
