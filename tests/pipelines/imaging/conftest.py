"""Small MR series as DICOM files, written from what PS3.3 says and from nothing of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from pipelines.core.types import InstanceFile

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
Series = Callable[..., list[InstanceFile]]


def slice_dataset(pixels: NDArray[np.int16], position: Sequence[float], **changes: object) -> Dataset:
    """One slice (rows, columns) whose first pixel lies at `position` (LPS mm); `changes` are its other attributes."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = "1.2.3", "1.2.3.4", "1.2.3.9"
    dataset.Modality, dataset.ImageType = "MR", ["ORIGINAL", "PRIMARY", "M"]
    dataset.ImageOrientationPatient, dataset.PixelSpacing = list(AXIAL), [1.0, 1.0]
    dataset.ImagePositionPatient, dataset.SliceThickness = [float(each) for each in position], 1.0
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.PixelData = pixels.astype("<i2").tobytes()
    for name, value in changes.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


def instance(dataset: Dataset, path: Path) -> InstanceFile:
    """The dataset as a file."""
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return InstanceFile(
        path=path,
        sha256=str(dataset.SOPInstanceUID),
        sop_instance_uid=dataset.SOPInstanceUID,
        sop_class_uid=dataset.SOPClassUID,
        modality=dataset.Modality,
        series_instance_uid=dataset.SeriesInstanceUID,
        study_instance_uid=dataset.StudyInstanceUID,
    )


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """Write an axial series: one slice of 6 rows and 5 columns for each position along z; see slice_dataset.

    `each` maps a slice's number to attributes of that slice alone. Pixels of slice n are all n, its last one is n + 50.
    """

    def write(
        heights: Sequence[float] = tuple(range(10)),
        each: Callable[[int], dict[str, object]] = lambda n: {},
        **changes: object,
    ) -> list[InstanceFile]:
        made = []
        for number, height in enumerate(heights):
            pixels = np.full((6, 5), number, np.int16)
            pixels[-1, -1] += 50
            dataset = slice_dataset(pixels, (0.0, 0.0, height), **{**changes, **each(number)})
            made.append(instance(dataset, tmp_path / f"{number}.dcm"))
        return made

    return write
