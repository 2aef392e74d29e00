"""Made readings for tests of exporters: no model is needed to write one down."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from pipelines.core import codes
from pipelines.core.receipt import sealed
from pipelines.core.types import (
    Artifact,
    Explanation,
    Finding,
    ImageReading,
    Laterality,
    ModelRef,
    Quality,
    Reading,
    Receipt,
    Urgency,
)
from pipelines.exporters.base import Source
from pipelines.imaging.dicom import DicomHeader
from pipelines.imaging.heatmap import png

EXPLANATION = Explanation("grad-cam", "last", "dr_grade=2", {"inside_retina": 0.9})
RECEIPT = Receipt("", ("sha256:aa",), "w", "c", "d", "torch", "1", "float32", 1, (1, 3, 9, 9), "cpu", "x86_64", "full")


def header(uid: str, side: Laterality | None) -> DicomHeader:
    """The header of a photograph."""
    return DicomHeader(
        sop_instance_uid=uid,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.77.1.5.1",
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.4",
        transfer_syntax="1.2.840.10008.1.2.4.50",
        modality="OP",
        patient_id="P-1",
        issuer="Clinic",
        patient_name="Müller^Jürgen",
        birth_date="19600101",
        sex="M",
        study_date="20260102",
        study_time="101500",
        study_description=None,
        series_description=None,
        accession_number="A-1",
        series_number=1,
        instance_number=1,
        laterality=side,
        body_part=None,
        manufacturer=None,
        model_name=None,
        rows=705,
        columns=705,
        frames=1,
        samples=3,
        bits_allocated=8,
        bits_stored=8,
        photometric_interpretation="RGB",
        has_pixel_data=True,
    )


def source(*, verified_by: str | None = None) -> Source:
    """Both eyes."""
    headers = (header("1.2.3.4.1", Laterality.LEFT), header("1.2.3.4.2", Laterality.RIGHT))
    return Source(headers, datetime(2026, 1, 2, 3, 4, 5), verified_by)


def findings(side: Laterality | None, grade: int | None) -> tuple[Finding, ...]:
    """The three findings of one eye."""
    known = grade is not None
    grades = {str(each): 0.6 if each == grade else 0.1 for each in range(5)} if known else None
    return (
        Finding(codes.DIABETIC_RETINOPATHY, "dr_grade", grade, None, grades, (1, 3) if known else None, side),
        Finding(codes.REFERABLE_RETINOPATHY, "referable_dr", 0.8 if known else None, laterality=side),
        Finding(codes.DIABETIC_MACULAR_EDEMA, "dme_risk", 1 if known else None, laterality=side),
    )


def image(uid: str, side: Laterality, *, gradable: bool) -> ImageReading:
    """One image with its overlay."""
    quality = Quality(gradable, 0.9 if gradable else 0.1, () if gradable else ("blur",))
    reason = None if gradable else "ungradable"
    return ImageReading(uid, side, quality, not gradable, reason, EXPLANATION, (f"{side}-1-overlay.png",))


def overlay(side: Laterality) -> Artifact:
    """A small picture with different pixels."""
    pixels = np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3)
    return Artifact(f"{side}-1-overlay.png", "overlay", "image/png", png(pixels))


def reading(left: int | None = 2, right: int | None = 0) -> Reading:
    """Both eyes; None is an eye that cannot be graded."""
    graded = [grade for grade in (left, right) if grade is not None]
    quality = Quality(len(graded) == 2, 0.9 if len(graded) == 2 else 0.1)
    return Reading(
        pipeline="retinopathy",
        model=ModelRef("fundus_dr_grading", "1.0.0", "ab" * 32),
        findings=(
            *findings(None, max(graded, default=None)),
            *findings(Laterality.LEFT, left),
            *findings(Laterality.RIGHT, right),
        ),
        images=(
            image("1.2.3.4.1", Laterality.LEFT, gradable=left is not None),
            image("1.2.3.4.2", Laterality.RIGHT, gradable=right is not None),
        ),
        quality=quality,
        abstained=not quality.gradable,
        abstain_reason=None if quality.gradable else "ungradable",
        urgency=Urgency.URGENT,
        explanation=EXPLANATION,
        artifacts=(overlay(Laterality.LEFT), overlay(Laterality.RIGHT)),
        seconds={"load": 0.1},
        receipt=sealed(replace(RECEIPT, parameters={})),
    )
