"""How many images headers announce: elements that count images are believed, others are not."""

from __future__ import annotations

import io

import pytest
from pydicom.uid import PositronEmissionTomographyImageStorage

from pipelines.imaging.dicom import DicomHeader, header_of
from tests.conftest import ophthalmic_dataset

GATED = {
    "SOPClassUID": PositronEmissionTomographyImageStorage,
    "Modality": "PT",
    "SeriesType": ["GATED", "IMAGE"],
    "NumberOfSlices": 47,
    "NumberOfRRIntervals": 1,
    "NumberOfTimeSlots": 8,
}


def header(**attributes: object) -> DicomHeader:
    """The header of an object with these attributes."""
    content = io.BytesIO()
    ophthalmic_dataset(attributes).save_as(content, enforce_file_format=True)
    size = content.tell()
    content.seek(0)
    return header_of(content, size)


def test_an_object_that_announces_nothing_is_evidence_of_nothing() -> None:
    assert (header().series_count, header().study_count) == (None, None)


@pytest.mark.parametrize(
    ("attributes", "series", "study"),
    [
        ({"NumberOfSeriesRelatedInstances": "120"}, 120, None),
        ({"NumberOfStudyRelatedInstances": "300"}, None, 300),
        ({"ImagesInAcquisition": "64"}, None, 64),
        ({"InConcatenationTotalNumber": 4}, 4, None),
        (GATED, 47 * 8, None),
        (GATED | {"SeriesType": ["STATIC", "IMAGE"]}, 47, None),
        (GATED | {"SeriesType": ["DYNAMIC", "IMAGE"], "NumberOfTimeSlices": 12}, 47 * 12, None),
    ],
)
def test_counts_of_images_are_believed(attributes: dict[str, object], series: int | None, study: int | None) -> None:
    told = header(**attributes)
    assert (told.series_count, told.study_count) == (series, study)


@pytest.mark.parametrize(
    "attributes",
    [
        {"NumberOfTemporalPositions": "20"},
        {"NumberOfSeriesRelatedInstances": "-3"},
        {"NumberOfSlices": 47},
        GATED | {"SeriesType": ["GATED", "REPROJECTION"]},
        GATED | {"SeriesType": ["DYNAMIC", "IMAGE"]},
    ],
)
def test_other_numbers_are_not(attributes: dict[str, object]) -> None:
    assert header(**attributes).series_count is None
