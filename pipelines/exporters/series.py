"""The reconstructed volume as a DICOM MR series; source: PS3.3 A.4 (MR Image IOD) and C.8.3.1 (MR Image Module)."""

from __future__ import annotations

import gzip
import re
from typing import Final

import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from pipelines.core import codes
from pipelines.core.receipt import derived_uid
from pipelines.core.types import Artifact, Reading
from pipelines.exporters.base import Export, Exporter, Source
from pipelines.exporters.derived import MANUFACTURER, as_bytes, dated, evidence, header_of, object_uid
from pipelines.imaging.kspace import Geometry
from pipelines.imaging.ophthalmic import coded, file_meta
from pipelines.imaging.series_facts import NAME, VOLUME_NAME, SeriesFacts, read_facts
from pipelines.imaging.volume_plan import NOMINAL

_SERIES_NUMBER: Final = 904
_LPS: Final = np.diag([-1.0, -1.0, 1.0])  # RAS millimetres as DICOM counts them, PS3.3 C.7.6.2.1.1
_DECIMALS: Final = 6  # of a DS value, which holds 16 characters: a nanometre
_BITS: Final = 12
_TOP: Final = (1 << _BITS) - 1
_WHITE: Final = 99.5  # percentile of the series that the window shows white
_TEXT: Final = 64  # LO, PS3.5 6.2
#: PS3.3 C.8.3.1.1.2; words of the protocol that name a sequence, else research mode, which claims nothing.
_SEQUENCES: Final = ((r"ep[i2]|epfid|epse", "EP"), (r"flash|gre|spgr|mprage|ffe|vibe|bravo", "GR"), (r"se", "SE"))
_RESEARCH: Final = "RM"
_NOMINAL: Final[dict[Geometry, str]] = {
    Geometry.SPACING: "Position and directions are nominal: the raw data do not state them.",
    Geometry.NOMINAL: "Spacing, position and directions are nominal: the raw data do not state them. Do not measure.",
}


class SeriesExporter(Exporter):
    """One MR image a slice, a series of the study whose raw data were reconstructed."""

    name = "series"
    kind = "derived_series"  # what the services take back in as a series of the study

    def export(self, reading: Reading, source: Source) -> tuple[Export, ...]:
        """A file for each slice; none where the reading holds no reconstruction.

        Raises UnsuitableInput where the header of the raw data is missing.
        """
        artifacts = {artifact.name: artifact for artifact in reading.artifacts}
        if not {VOLUME_NAME, NAME} <= set(artifacts):
            return ()
        facts, volume = read_facts(artifacts[NAME].content), _volume(artifacts[VOLUME_NAME])
        scale = _TOP / float(volume.max() or 1.0)
        stored = np.clip(np.round(volume * scale), 0, _TOP).astype(np.uint16)
        white = max(1, round(float(np.percentile(stored, _WHITE))))
        return tuple(
            Export(f"reconstruction-{place + 1}.dcm", "application/dicom", as_bytes(image))
            for place, image in enumerate(
                _image(reading, source, facts, stored[:, :, number].T, number, white)
                for number in range(stored.shape[2])
            )
        )


def _volume(artifact: Artifact) -> NDArray[np.float32]:
    """Our own NIfTI file back as (x, y, slice) float32."""
    return np.asarray(nibabel.Nifti1Image.from_bytes(gzip.decompress(artifact.content)).dataobj, np.float32)


def _image(
    reading: Reading, source: Source, facts: SeriesFacts, pixels: NDArray[np.uint16], number: int, white: int
) -> Dataset:
    """One slice as an object."""
    header = header_of(source, reading.images[0].sop_instance_uid)
    dataset = evidence(header)
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = object_uid("mr image", reading, source, str(number))
    dataset.SeriesInstanceUID = object_uid("mr series", reading, source)
    dataset.SeriesNumber, dataset.InstanceNumber = _SERIES_NUMBER, number + 1
    dataset.SeriesDescription = f"{(header.series_description or 'MR')[:30]}, reconstructed ({facts.method})"[:_TEXT]
    dataset.Modality, dataset.Laterality = "MR", ""  # Type 2C: whether the body part is paired is unknown
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = f"{reading.model.name} {reading.model.version}"
    if header.body_part and re.fullmatch("[A-Z0-9 _]{1,16}", header.body_part):
        dataset.BodyPartExamined = header.body_part
    dated(dataset, source.made)
    _made_by(dataset, reading, source, facts)
    _protocol(dataset, facts)
    _place(dataset, facts, number, header.study_instance_uid)
    _pixels(dataset, pixels, white)
    return dataset


def _made_by(dataset: Dataset, reading: Reading, source: Source, facts: SeriesFacts) -> None:
    """PS3.3 C.7.6.1.1.2, C.12.1.1.5: derived, since part of it was inferred; by what, from what share, which weights.

    PRIMARY: it is the direct result of an examination, as no other image of these data exists.
    """
    nominal = [NOMINAL] if facts.geometry is Geometry.NOMINAL else []
    dataset.ImageType = ["DERIVED", "PRIMARY", "OTHER", *nominal]
    dataset.LossyImageCompression = "00"
    dataset.DerivationDescription = (
        f"Reconstruction from raw data, method {facts.method}, acceleration {facts.acceleration:g}; "
        f"model {reading.model.name} {reading.model.version}, weights sha256 {reading.model.sha256}; "
        f"receipt {reading.receipt.digest}"
    )
    dataset.DerivationCodeSequence = Sequence([coded(codes.KSPACE_RECONSTRUCTION)])
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = Sequence([coded(codes.PROCESSING_EQUIPMENT)])
    equipment.Manufacturer = MANUFACTURER
    equipment.ManufacturerModelName = f"{reading.model.name} {reading.model.version}"[:_TEXT]
    equipment.SoftwareVersions = reading.receipt.code[:_TEXT]
    equipment.ContributionDateTime = source.made.strftime("%Y%m%d%H%M%S")
    equipment.ContributionDescription = f"Reconstruction by {facts.method}; weights sha256 {reading.model.sha256}"
    dataset.ContributingEquipmentSequence = Sequence([equipment])
    if facts.geometry in _NOMINAL:
        dataset.ImageComments = _NOMINAL[facts.geometry]


def _protocol(dataset: Dataset, facts: SeriesFacts) -> None:
    """PS3.3 C.8.3.1: Type 2 attributes that are unknown stay empty. Percent Sampling is the share of lines acquired."""
    protocol = facts.protocol
    scanning = _scanning(protocol.sequence or "")
    # An Inversion Time demands inversion recovery among the sequences and the other way round (Type 2C).
    dataset.ScanningSequence = scanning if protocol.inversion_ms is None else [scanning, "IR"]
    dataset.SequenceVariant = "NONE"
    dataset.ScanOptions = "PFP" if facts.partial_fourier else ""  # partial Fourier along the phase encoding
    dataset.MRAcquisitionType = "3D" if facts.is_3d else "2D"
    dataset.RepetitionTime, dataset.EchoTime = _decimal(protocol.repetition_ms), _decimal(protocol.echo_ms)
    dataset.EchoTrainLength = None
    if protocol.inversion_ms is not None:
        dataset.InversionTime = _decimal(protocol.inversion_ms)
    if protocol.flip_degrees is not None:
        dataset.FlipAngle = _decimal(protocol.flip_degrees)
    if protocol.field_tesla is not None:
        dataset.MagneticFieldStrength = _decimal(protocol.field_tesla)
    dataset.PercentSampling = round(100 / facts.acceleration, 2)


def _scanning(sequence: str) -> str:
    for pattern, value in _SEQUENCES:
        if re.search(pattern, sequence.lower()):
            return value
    return _RESEARCH


def _place(dataset: Dataset, facts: SeriesFacts, number: int, study_uid: str) -> None:
    """PS3.3 C.7.6.2 and C.7.4.1: columns run along the volume's first axis, rows along its second."""
    affine = facts.grid.affine
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    axes = _LPS @ affine[:3, :3] / steps
    corner = _LPS @ (affine @ [0, 0, number, 1])[:3]
    dataset.PixelSpacing = [round(float(steps[1]), _DECIMALS), round(float(steps[0]), _DECIMALS)]
    dataset.ImageOrientationPatient = [_decimal(value) for value in (*axes[:, 0], *axes[:, 1])]
    dataset.ImagePositionPatient = [_decimal(value) for value in corner]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = _decimal(steps[2])
    dataset.FrameOfReferenceUID = facts.frame_of_reference_uid or derived_uid("raw data frame", study_uid)
    dataset.PositionReferenceIndicator = ""
    dataset.PatientPosition = facts.patient_position or ""


def _decimal(value: float | None) -> float | None:
    """A number that a DS element can hold; minus zero is zero."""
    return None if value is None else round(float(value), _DECIMALS) + 0.0


def _pixels(dataset: Dataset, pixels: NDArray[np.uint16], white: int) -> None:
    """PS3.3 C.7.6.3 and C.11.2: (rows, columns), arbitrary units as all magnetic resonance images have."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, _BITS, _BITS - 1, 0
    dataset.WindowCenter, dataset.WindowWidth = white / 2, white
    dataset.file_meta = file_meta(str(dataset.SOPClassUID), str(dataset.SOPInstanceUID), ExplicitVRLittleEndian)
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
