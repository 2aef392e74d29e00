from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from pydicom import dcmread

from pipelines.core.errors import UnsuitableInput
from pipelines.exporters.secondary_capture import SecondaryCaptureExporter
from tests.pipelines.exporters.samples import reading, source


def test_the_overlay_is_in_the_object_pixel_by_pixel() -> None:
    made = reading()
    first, second = SecondaryCaptureExporter().export(made, source())
    assert (first.name, second.name) == ("L-1-overlay.dcm", "R-1-overlay.dcm")
    png = cv2.imdecode(np.frombuffer(made.artifacts[0].content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.array_equal(dcmread(io.BytesIO(first.content)).pixel_array, png)


def test_the_object_belongs_to_the_study_and_points_at_the_photograph() -> None:
    left = dcmread(io.BytesIO(SecondaryCaptureExporter().export(reading(), source())[0].content))
    assert (left.StudyInstanceUID, left.PatientID, left.IssuerOfPatientID) == ("1.2.3", "P-1", "Clinic")
    assert str(left.PatientName) == "Müller^Jürgen"
    assert left.SeriesInstanceUID != "1.2.3.4"
    assert left.ImageLaterality == "L"
    assert left.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.1"
    assert (left.ContentDate, left.ContentTime) == ("20260102", "030405")


def test_another_receipt_is_another_object() -> None:
    made = reading()
    other = replace(made, receipt=replace(made.receipt, digest="0" * 64))
    uids = {
        dcmread(io.BytesIO(export.content)).SOPInstanceUID
        for each in (made, other)
        for export in SecondaryCaptureExporter().export(each, source())
    }
    assert len(uids) == 4


def test_an_image_that_is_not_among_the_headers_is_refused() -> None:
    with pytest.raises(UnsuitableInput):
        SecondaryCaptureExporter().export(reading(), replace(source(), headers=()))
