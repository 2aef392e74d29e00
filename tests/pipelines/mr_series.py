"""Small MR series for tests: a real brain (the MNI template of nilearn's wheel) as NIfTI, classic or enhanced DICOM."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage

from pipelines.imaging.grid import Grid, Volume

LPS = np.diag([-1.0, -1.0, 1.0])
FRAME_OF_REFERENCE = "1.2.826.0.1.3680043.8.498.77"
STUDY = "1.2.826.0.1.3680043.8.498.1"
#: The middle of each hippocampus of the template in MNI space (mm), and the size of a crop as training has it.
LEFT_MM, RIGHT_MM = (-26.0, -20.0, -14.0), (26.0, -20.0, -14.0)
CROP = (38, 54, 38)


def template() -> Volume:
    """The whole head at 1 mm, RAS, intensities 0-1000."""
    (place,) = importlib.util.find_spec("nilearn").submodule_search_locations  # type: ignore[union-attr]
    image = nibabel.load(Path(place) / "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    values = np.asanyarray(image.dataobj, dtype=np.float32)
    i, j, k = values.shape
    return Volume(np.rint(values / values.max() * 1000).astype(np.float32), Grid((i, j, k), image.affine))


def crop(middle: tuple[float, float, float] = LEFT_MM, shape: tuple[int, int, int] = CROP) -> Volume:
    """A box of the template about a place in MNI millimetres."""
    head = template()
    first = np.rint(np.linalg.solve(head.grid.affine, [*middle, 1])[:3]).astype(int) - np.array(shape) // 2
    affine = head.grid.affine.copy()
    affine[:3, 3] = head.grid.point(tuple(first))
    i, j, k = (slice(start, start + length) for start, length in zip(first, shape, strict=True))
    return Volume(head.array[i, j, k], Grid(shape, affine))


def write_nifti(volume: Volume, path: Path) -> Path:
    """The volume as a NIfTI file."""
    image = nibabel.Nifti1Image(volume.array.astype(np.int16), volume.grid.affine)
    nibabel.save(image, path)
    return path


def write_classic(volume: Volume, folder: Path, **attributes: object) -> list[Path]:
    """One MR image a slice along k, named against their order; `attributes` replace or (None) remove values."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(volume.grid.shape[2]):
        path = folder / f"{volume.grid.shape[2] - k:03}.dcm"
        dataset = _common(volume.grid, MRImageStorage, f"{STUDY}.2.{k + 1}", attributes)
        dataset.ImagePositionPatient = _position(volume.grid, k)
        dataset.ImageOrientationPatient, dataset.PixelSpacing, dataset.SliceThickness = _plane(volume.grid)
        dataset.InstanceNumber = k + 1
        _save(dataset, volume.array[:, :, k].T, path)
        paths.append(path)
    return paths


def write_enhanced(volume: Volume, path: Path, backwards: bool = False, **attributes: object) -> Path:
    """One Enhanced MR image; `backwards` stores the frames against their order in space."""
    slices = volume.grid.shape[2]
    order = list(reversed(range(slices))) if backwards else list(range(slices))
    dataset = _common(volume.grid, EnhancedMRImageStorage, f"{STUDY}.3.1", attributes)
    orientation, spacing, thickness = _plane(volume.grid)
    shared, plane, measures = Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient = orientation
    measures.PixelSpacing, measures.SliceThickness = spacing, thickness
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([plane]), Sequence([measures])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([_frame(volume.grid, k) for k in order])
    dataset.NumberOfFrames = slices
    _save(dataset, volume.array[:, :, order].transpose(2, 1, 0), path)
    return path


def _frame(grid: Grid, k: int) -> Dataset:
    group, position = Dataset(), Dataset()
    position.ImagePositionPatient = _position(grid, k)
    group.PlanePositionSequence = Sequence([position])
    return group


def _plane(grid: Grid) -> tuple[list[float], list[float], float]:
    directions = LPS @ grid.affine[:3, :3] / np.array(grid.spacing)
    i, j, k = (round(each, 6) for each in grid.spacing)
    return [round(float(each), 6) for each in (*directions[:, 0], *directions[:, 1])], [j, i], k


def _position(grid: Grid, k: int) -> list[float]:
    return [round(float(each), 5) for each in LPS @ grid.point((0, 0, k))]


def _common(grid: Grid, sop_class: str, uid: str, attributes: dict[str, object]) -> Dataset:
    dataset = Dataset()
    values: dict[str, object] = {
        "SOPClassUID": sop_class,
        "SOPInstanceUID": uid,
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": f"{STUDY}.4",
        "FrameOfReferenceUID": FRAME_OF_REFERENCE,
        "PatientID": "P-7",
        "PatientName": "Doe^Jane",
        "Modality": "MR",
        "SeriesNumber": 4,
        "InstanceNumber": 1,
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "NORMAL"],
        "ScanningSequence": "GR",
        "SequenceVariant": "MP",
        "RepetitionTime": 8.0,
        "EchoTime": 3.0,
        "InversionTime": 900.0,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Columns": grid.shape[0],
        "Rows": grid.shape[1],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
    }
    for keyword, value in (values | attributes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def _save(dataset: Dataset, pixels: NDArray[np.float32], path: Path) -> None:
    dataset.PixelData = np.ascontiguousarray(pixels).astype("<i2").tobytes()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
