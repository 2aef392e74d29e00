"""The demo's brain: an average of 152 heads that a package ships, as an MR series and as undersampled raw data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from ismrmrd import xsd
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from pipelines.core.receipt import derived_uid
from pipelines.imaging.fourier import CENTRE_FRACTION, equispaced_mask, rss, seed_of, to_image, to_kspace
from pipelines.imaging.template import mni_template
from services.cli.samples import Sample

BRIGHTEST: Final = 1000.0  # of the series' stored values
PADDING: Final = 12  # voxels of air around the brain, as a head's field of view has
#: An MPRAGE as in Jack et al., J Magn Reson Imaging 2008;27:685-91: times in ms, angle in degrees.
PROTOCOL: Final = {"RepetitionTime": 2300.0, "EchoTime": 3.0, "InversionTime": 900.0, "FlipAngle": 9.0}

ACCELERATION: Final = 4
COILS: Final = 6
SLICES: Final = 6
SLICE_STEP: Final = 8  # of the template's own slices, so mm
COIL_REACH: Final = 0.45  # of the field of view: how far a coil sees, as the width of a Gaussian
NOISE: Final = 0.005  # of the brightest pixel, in each coil


@dataclass(frozen=True, slots=True)
class _Template:
    """(i, j, k) float32 from 0 to 1, counted to right, anterior, superior at 1 mm; `origin` is voxel 0 in RAS mm."""

    values: NDArray[np.float32]
    origin: NDArray[np.float64]


def write_brain(folder: Path) -> list[Sample]:
    """The brain as a DICOM series and as raw data, each of a patient of its own."""
    template = _template()
    series = folder / "brain"
    series.mkdir()
    return [
        Sample(
            "An average brain (MNI template, 152 heads), as a T1 series of 1 mm",
            _write_series(template, series),
            {"complete": "yes"},
        ),
        Sample(
            f"The same brain as raw data of {COILS} simulated coils, {ACCELERATION}-fold undersampled",
            (_write_raw(template, folder / "brain.h5"),),
            {"patient_id": "DEMO-5", "pipeline": "reconstruction"},
        ),
    ]


def _template() -> _Template:
    """The template with air around it."""
    shipped = mni_template()
    return _Template(np.pad(shipped.array / shipped.array.max(), PADDING), shipped.grid.affine[:3, 3] - PADDING)


def _write_series(template: _Template, folder: Path) -> tuple[Path, ...]:
    """One axial slice a file, feet first, as a scanner would send them."""
    slices = template.values.shape[2]
    paths = []
    for number in range(slices):
        path = folder / f"{number + 1:03}.dcm"
        _slice(template, number).save_as(path, enforce_file_format=True)
        paths.append(path)
    return tuple(paths)


def _slice(template: _Template, number: int) -> Dataset:
    # DICOM counts in LPS, columns to the patient's left and rows to the back: PS3.3 C.7.6.2.1.1.
    stored = np.round(template.values[::-1, ::-1, number].T * BRIGHTEST).astype("<u2")
    columns, rows, _ = template.values.shape
    right, front, foot = template.origin + np.array([columns - 1, rows - 1, number])
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = MRImageStorage
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = derived_uid("demo study"), derived_uid("demo series")
    dataset.SOPInstanceUID = derived_uid("demo slice", str(number))
    dataset.FrameOfReferenceUID = derived_uid("demo frame of reference")
    dataset.PatientID, dataset.PatientName, dataset.PatientSex = "DEMO-4", "Average^Brain", "O"
    dataset.Modality, dataset.BodyPartExamined = "MR", "BRAIN"
    dataset.SeriesDescription = "T1 average of 152 heads"
    dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.MRAcquisitionType = ["GR", "IR"], ["SP", "MP"], "3D"
    for name, value in PROTOCOL.items():
        setattr(dataset, name, value)
    dataset.SeriesNumber, dataset.InstanceNumber = 1, number + 1
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [float(-right), float(-front), float(foot)]
    dataset.PixelSpacing, dataset.SliceThickness = [1.0, 1.0], 1.0
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.PixelData = stored.tobytes()
    return dataset


def _write_raw(template: _Template, path: Path) -> Path:
    """fastMRI's layout: `kspace` (slices, coils, ky, kx), zero where nothing was acquired, with mask and header."""
    middle = template.values.shape[2] // 2
    chosen = middle + SLICE_STEP * (np.arange(SLICES) - SLICES // 2)
    images = template.values[::-1, ::-1, chosen].transpose(2, 1, 0)
    full = to_kspace(_seen_by_coils(images))
    rows, columns = images.shape[1:]
    mask = equispaced_mask(rows, ACCELERATION, CENTRE_FRACTION[ACCELERATION], seed_of(path.name))
    with h5py.File(path, "w") as file:
        file["kspace"] = full * mask[:, None]
        file["mask"] = mask
        file["reconstruction_rss"] = rss(to_image(full))
        file["ismrmrd_header"] = _header(rows, columns)
    return path


def _seen_by_coils(images: NDArray[np.float32]) -> NDArray[np.complex64]:
    """(slices, y, x) -> (slices, coil, y, x) complex64: coils in a ring, smooth phase, noise of a fixed seed."""
    rows, columns = images.shape[1:]
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    angles = 2 * np.pi * np.arange(COILS) / COILS
    distance = (x - np.cos(angles)[:, None, None]) ** 2 + (y - np.sin(angles)[:, None, None]) ** 2
    sensitivity = np.exp(-distance / (2 * (2 * COIL_REACH) ** 2) + 1j * angles[:, None, None])
    phase = np.exp(1j * (0.8 * x * y + 0.5 * x))  # radians: what an imperfect shim leaves
    noise = np.random.default_rng(0).normal(scale=NOISE, size=(len(images), COILS, rows, columns, 2))
    return np.asarray(images[:, None] * sensitivity * phase + noise[..., 0] + 1j * noise[..., 1], np.complex64)


def _header(rows: int, columns: int) -> bytes:
    """The ISMRMRD header: sizes, field of view and protocol."""
    space = xsd.encodingSpaceType(
        matrixSize=xsd.matrixSizeType(x=columns, y=rows, z=1),
        fieldOfView_mm=xsd.fieldOfViewMm(x=float(columns), y=float(rows), z=float(SLICE_STEP)),
    )
    header = xsd.ismrmrdHeader(
        experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=123_200_000),
        encoding=[
            xsd.encodingType(
                encodedSpace=space,
                reconSpace=space,
                encodingLimits=xsd.encodingLimitsType(),
                trajectory=xsd.trajectoryType.CARTESIAN,
            )
        ],
        sequenceParameters=xsd.sequenceParametersType(
            TR=[PROTOCOL["RepetitionTime"]],
            TE=[PROTOCOL["EchoTime"]],
            TI=[PROTOCOL["InversionTime"]],
            flipAngle_deg=[PROTOCOL["FlipAngle"]],
        ),
    )
    text = xsd.ToXML(header)
    return text if isinstance(text, bytes) else str(text).encode()
