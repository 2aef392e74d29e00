"""Small MR series as DICOM files, written from what PS3.3 says and from nothing of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from pipelines.core.types import InstanceFile

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


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
