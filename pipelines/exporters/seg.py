"""The segmentation as a DICOM Segmentation object on the source series; source: PS3.3 A.51, C.8.20."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Final

import highdicom as hd
import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian

from pipelines.core import codes
from pipelines.core.errors import UnsuitableInput
from pipelines.core.receipt import derived_uid
from pipelines.core.types import Artifact, Code, Reading
from pipelines.exporters.base import Export, Exporter, Source
from pipelines.exporters.derived import MANUFACTURER, as_bytes, dated, evidence, object_uid, unquoted_names
from pipelines.imaging.dicom import DicomHeader
from pipelines.imaging.ophthalmic import coded
from pipelines.imaging.segments import LABELS_NAME, NAME, Segment, Segments, read_segments

Array = NDArray[np.float64]

_SERIES_NUMBER: Final = 903
_LPS: Final = np.diag([-1.0, -1.0, 1.0])  # RAS millimetres as DICOM counts them, PS3.3 C.7.6.2.1.1
_DECIMALS: Final = 6  # of a DS value, which holds 16 characters: a nanometre
#: Where frames that are not part of the volume (a phase beside its magnitude) are said to lie, in mm: far from all.
_ELSEWHERE: Final = 1e6
_ALGORITHM_FAMILY: Final = ("123110", "DCM", "Artificial Intelligence")  # PS3.16 CID 7162


class SegmentationExporter(Exporter):
    """All structures of a reading in one binary SEG, aligned with the source's own frames.

    A NIfTI source gives none: a SEG refers to DICOM instances and to their frame of reference, and a NIfTI file is
    neither. Nor does a series that names no frame of reference, nor a segmentation without a single voxel.
    """

    name = "seg"

    def export(self, reading: Reading, source: Source) -> tuple[Export, ...]:
        """One file, segmentation.dcm, or none; raises UnsuitableInput where a source image's header is missing."""
        artifacts = {artifact.name: artifact for artifact in reading.artifacts}
        if not {LABELS_NAME, NAME} <= set(artifacts):
            return ()
        described = read_segments(artifacts[NAME].content)
        labels = _labels(artifacts[LABELS_NAME])
        if not described.frames or not described.frame_of_reference or not labels.any():
            return ()
        with unquoted_names():
            content = as_bytes(_object(reading, source, described, labels))
        return (Export("segmentation.dcm", "application/dicom", content),)


def _labels(artifact: Artifact) -> NDArray[np.uint8]:
    """Our own NIfTI file back as (i, j, k) uint8."""
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(artifact.content))
    return np.asarray(image.dataobj, np.uint8)


def _object(reading: Reading, source: Source, described: Segments, labels: NDArray[np.uint8]) -> Dataset:
    sources = _sources(source, described)
    orientation, measures = _plane(described)
    made = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=np.ascontiguousarray(labels.transpose(2, 1, 0)),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(reading, source, segment) for segment in described.segments],
        series_instance_uid=object_uid("seg series", reading, source),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=object_uid("seg", reading, source),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=f"{reading.model.name} {reading.model.version}",
        software_versions=reading.model.version,
        device_serial_number=reading.model.sha256[:16],
        content_label="SEGMENTATION",
        content_description="Overread: segmentation by a model",
        plane_orientation=orientation,
        pixel_measures=measures,
        plane_positions=[
            hd.PlanePositionSequence(hd.CoordinateSystemNames.PATIENT, _position(described, k))
            for k in range(labels.shape[2])
        ],
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    made.SpecificCharacterSet = "ISO_IR 192"  # highdicom leaves it out; names are not all ASCII
    made.SeriesDescription = "Overread: segmentation"
    _settle(made, reading, source)
    return made


def _settle(made: Dataset, reading: Reading, source: Source) -> None:
    """No clock but that of the job, no UID by chance: highdicom draws the dimensions' and notes the present time."""
    dated(made, source.made)
    moment = source.made.strftime("%Y%m%d%H%M%S")
    for equipment in made.get("ContributingEquipmentSequence", []):
        equipment.ContributionDateTime = moment
    dimensions = object_uid("seg dimensions", reading, source)
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions


def _sources(source: Source, described: Segments) -> list[Dataset]:
    """The source pictures as highdicom wants them: one dataset a classic image, one in all for a multi-frame image."""
    headers = {header.sop_instance_uid: header for header in source.headers}
    missing = {uid for uid, _ in described.frames} - set(headers)
    if missing:
        raise UnsuitableInput("the headers of images that were read are missing", missing=len(missing))
    uids = list(dict.fromkeys(uid for uid, _ in described.frames))
    if headers[uids[0]].frames > 1 or len(uids) < len(described.frames):
        # highdicom takes one multi-frame source; further ones are rare, and every plane states its own position.
        return [_multi_frame(headers[uids[0]], described)]
    return [_classic(headers[uid], described, k) for k, (uid, _) in enumerate(described.frames)]


def _classic(header: DicomHeader, described: Segments, k: int) -> Dataset:
    dataset = _evidence(header, described)
    row_column, spacing, thickness = _geometry(described)
    dataset.ImagePositionPatient = _position(described, k)
    dataset.ImageOrientationPatient, dataset.PixelSpacing, dataset.SliceThickness = row_column, spacing, thickness
    return dataset


def _multi_frame(header: DicomHeader, described: Segments) -> Dataset:
    dataset = _evidence(header, described)
    places = {frame: k for k, (uid, frame) in enumerate(described.frames) if uid == header.sop_instance_uid}
    dataset.NumberOfFrames = max(header.frames, max(places))
    shared = Dataset()
    orientation, measures = _plane(described)
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = orientation, measures
    dataset.SharedFunctionalGroupsSequence = DicomSequence([shared])
    groups = []
    for frame in range(1, int(dataset.NumberOfFrames) + 1):
        group, position = Dataset(), Dataset()
        is_part = frame in places
        position.ImagePositionPatient = _position(described, places[frame]) if is_part else [_ELSEWHERE] * 3
        group.PlanePositionSequence = DicomSequence([position])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(groups)
    return dataset


def _evidence(header: DicomHeader, described: Segments) -> Dataset:
    dataset = evidence(header)
    dataset.FrameOfReferenceUID = described.frame_of_reference
    dataset.PositionReferenceIndicator = ""
    dataset.Columns, dataset.Rows = described.grid.shape[:2]
    return dataset


def _geometry(described: Segments) -> tuple[list[float], list[float], float]:
    """Image Orientation (Patient), Pixel Spacing (between rows, between columns) and the distance of slices."""
    directions = _LPS @ described.grid.affine[:3, :3]
    i, j, k = described.grid.spacing
    row_column = [*(directions[:, 0] / i), *(directions[:, 1] / j)]
    return _rounded(row_column), _rounded([j, i]), round(k, _DECIMALS)


def _plane(described: Segments) -> tuple[hd.PlaneOrientationSequence, hd.PixelMeasuresSequence]:
    row_column, spacing, thickness = _geometry(described)
    return (
        hd.PlaneOrientationSequence(hd.CoordinateSystemNames.PATIENT, row_column),
        hd.PixelMeasuresSequence(spacing, thickness, thickness),
    )


def _position(described: Segments, k: int) -> list[float]:
    """Image Position (Patient) of slice k: the centre of its first pixel."""
    return _rounded(_LPS @ described.grid.point((0, 0, k)))


def _rounded(values: Sequence[float] | Array) -> list[float]:
    return [round(float(value), _DECIMALS) + 0.0 for value in values]


def _description(reading: Reading, source: Source, segment: Segment) -> hd.seg.SegmentDescription:
    """One structure with its codes; side and part are modifiers of its type, PS3.3 C.8.20.4.1."""
    description = hd.seg.SegmentDescription(
        segment_number=segment.number,
        segment_label=segment.label,
        segmented_property_category=_code(codes.ANATOMICAL_STRUCTURE),
        segmented_property_type=_code(segment.kind),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=reading.model.name,
            family=hd.sr.CodedConcept(*_ALGORITHM_FAMILY),
            version=reading.model.version,
            parameters={"weights_sha256": reading.model.sha256},
        ),
        tracking_uid=derived_uid("tracking", object_uid("seg", reading, source), str(segment.number)),
        tracking_id=f"Overread {segment.label}",
    )
    modifiers = [*segment.modifiers, *([codes.SIDES[segment.laterality]] if segment.laterality else [])]
    if modifiers:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = DicomSequence([coded(each) for each in modifiers])
    return description


def _code(code: Code) -> hd.sr.CodedConcept:
    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning)
