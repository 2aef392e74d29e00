from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom import dcmread

from pipelines.core import codes
from pipelines.core.codes import KSPACE_FILE
from pipelines.core.errors import UnsuitableInput
from pipelines.core.report import Caution, Line, Part, Report, Section, Signature
from pipelines.core.types import Laterality
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


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
@pytest.mark.parametrize("signatures", [(), (Signature("Roe^Carol", NOON),)], ids=["draft", "signed"])
def test_a_report_with_cautions_and_names_of_any_writing_passes_dciodvfy(
    signatures: tuple[Signature, ...], tmp_path: Path
) -> None:
    cautions = (Caution(codes.UNTRAINED_CAMERA, Laterality.LEFT), Caution(codes.SHADOW_DIFFERS))
    line = Line("Caution", "Outside the cameras it was trained on.\nSecond line, 山田 علي.", cautions=cautions)
    page = replace(PAGE, sections=(Section(Part.READING, "Diabetic retinopathy", (line,)),), signatures=signatures)
    name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    file = tmp_path / "report.dcm"
    file.write_bytes(report_object(page, [replace(header, patient_name=name) for header in source().headers]))
    said = subprocess.run(["dciodvfy", file], capture_output=True, text=True, check=False)
    assert "Error" not in said.stdout + said.stderr
    assert str(dcmread(file).PatientName) == name
