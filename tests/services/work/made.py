"""Series as a pipeline would make them, for tests of what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipelines.core.types import Artifact, Reading, Subject
from services.store.descent import DERIVED_SERIES
from tests.services.conftest import reading
from tests.services.intake.conftest import dicom

STUDY = "1.2.3"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
SLICES = 3


def mr_slice(number: int, series: str = "1.2.3.50", **attributes: object) -> bytes:
    """One slice of an MR series of the study."""
    told = {"SOPClassUID": MR_IMAGE, "Modality": "MR", "StudyInstanceUID": STUDY, "PatientID": "P-1"}
    own = {"SeriesInstanceUID": series, "SOPInstanceUID": f"{series}.{number}", "InstanceNumber": number}
    return dicom(**(told | own | attributes))


def made_series(subject: Subject, contents: Sequence[bytes] | None = None) -> Reading:
    """What a reconstruction answers: findings, and a series of its own."""
    slices = contents if contents is not None else [mr_slice(number) for number in range(1, SLICES + 1)]
    names = [f"reconstruction-{number}.dcm" for number in range(1, len(slices) + 1)]
    pairs = zip(names, slices, strict=True)
    made = tuple(Artifact(name, DERIVED_SERIES, "application/dicom", content) for name, content in pairs)
    return replace(reading(subject), pipeline="reconstruction", artifacts=made)
