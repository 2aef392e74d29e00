"""The overlays as DICOM Secondary Capture images; source: PS3.3 A.8.1, C.8.6."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, SecondaryCaptureImageStorage

from pipelines.core.codes import RETINA, SOURCE_IMAGE
from pipelines.core.types import Artifact, ImageReading, Reading
from pipelines.exporters.base import Export, Exporter, Source
from pipelines.exporters.derived import MANUFACTURER, as_bytes, dated, evidence, header_of, object_uid
from pipelines.imaging.ophthalmic import coded, file_meta
from pipelines.imaging.picture import Rgb

_SERIES_NUMBER: Final = 901  # far from what cameras count
_OVERLAY: Final = "overlay"


class SecondaryCaptureExporter(Exporter):
    """One Secondary Capture an overlay, all in one series of the study that was read."""

    name = "secondary_capture"

    def export(self, reading: Reading, source: Source) -> tuple[Export, ...]:
        """A file for each overlay; raises UnsuitableInput where the header of an image that was read is missing."""
        overlays = {artifact.name: artifact for artifact in reading.artifacts if artifact.kind == _OVERLAY}
        pairs = [(image, overlays[name]) for image in reading.images for name in image.artifacts if name in overlays]
        return tuple(
            Export(
                name=f"{artifact.name.rsplit('.', 1)[0]}.dcm",
                media_type="application/dicom",
                content=as_bytes(_capture(reading, source, image, artifact, number)),
            )
            for number, (image, artifact) in enumerate(pairs, start=1)
        )


def _capture(reading: Reading, source: Source, image: ImageReading, artifact: Artifact, number: int) -> Dataset:
    """One overlay as an object."""
    dataset = evidence(header_of(source, image.sop_instance_uid))
    photograph = (str(dataset.SOPClassUID), str(dataset.SOPInstanceUID))
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = object_uid("secondary capture", reading, source, artifact.name)
    dataset.SeriesInstanceUID = object_uid("secondary capture series", reading, source)
    dataset.SeriesNumber, dataset.InstanceNumber = _SERIES_NUMBER, number
    dataset.SeriesDescription = "Overread: explanation of the grade, not for diagnosis"
    dataset.Modality = "OT"
    dataset.ConversionType = "WSD"  # workstation, C.8.6.1
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = f"{reading.model.name} {reading.model.version}"
    dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    dataset.BurnedInAnnotation = "NO"
    dataset.PatientOrientation = ""
    if image.laterality:
        dataset.ImageLaterality = image.laterality
    dataset.AnatomicRegionSequence = Sequence([coded(RETINA)])
    dated(dataset, source.made)
    _reference(dataset, photograph, image)
    _pixels(dataset, _decoded(artifact.content))
    return dataset


def _reference(dataset: Dataset, photograph: tuple[str, str], image: ImageReading) -> None:
    """The photograph beneath the overlay, and how the map was made."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = photograph
    item.PurposeOfReferenceCodeSequence = Sequence([coded(SOURCE_IMAGE)])
    dataset.SourceImageSequence = Sequence([item])
    if image.explanation:
        dataset.DerivationDescription = f"{image.explanation.method} of {image.explanation.target}"


def _decoded(png: bytes) -> Rgb:
    """Our own PNG back to (h, w, 3) RGB."""
    bgr = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(bgr[:, :, ::-1])


def _pixels(dataset: Dataset, picture: Rgb) -> None:
    """PS3.3 C.7.6.3; the photograph beneath was most likely a JPEG, which nobody can tell any more."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.Rows, dataset.Columns = picture.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.file_meta = file_meta(str(dataset.SOPClassUID), str(dataset.SOPInstanceUID), ExplicitVRLittleEndian)
    dataset.compress(JPEGLSLossless, picture, generate_instance_uid=False)
