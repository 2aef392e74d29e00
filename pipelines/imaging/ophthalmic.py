"""Builds DICOM Ophthalmic Photography objects; source: PS3.3 A.41 (8 Bit) and A.42 (16 Bit)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import ImageCms
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    OphthalmicPhotography8BitImageStorage,
    OphthalmicPhotography16BitImageStorage,
    SecondaryCaptureImageStorage,
)

from pipelines.core.codes import FUNDUS_CAMERA, RETINA, SOURCE_IMAGE
from pipelines.core.receipt import derived_uid
from pipelines.core.types import Code
from pipelines.imaging.photograph import PhotographIdentity, instance_uid, series_uid
from pipelines.imaging.taken import Taken

#: Type 1 in Enhanced General Equipment, PS3.3 C.7.5.2, and not known of a picture file.
UNKNOWN_EQUIPMENT: Final = "UNKNOWN"
_IMPLEMENTATION: Final = UID(derived_uid("overread"))
_IMPLEMENTATION_NAME: Final = "OVERREAD"
#: ICC.1:2022 7.2.11: when the profile was made; fixed, so that the same photograph gives the same bytes.
_PROFILE_DATE: Final = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
_PROFILE_DATE_AT: Final = 24
#: Content Date where neither acquisition nor receipt is known: visibly no day of an examination.
_NO_DATE: Final = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """Pixels as they will be stored: either a finished JPEG or an array (h, w[, 3]) of uint8 or uint16 to compress.

    `lossy_ratio` is that of a lossy compression the picture went through, None where none is known of.
    """

    jpeg: bytes | None
    array: npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | None
    rows: int
    columns: int
    samples: int
    bits: int
    interpretation: str
    lossy_ratio: float | None
    profile: bytes | None


def ophthalmic_photograph(pixels: StoredPixels, source_sha256: str, identity: PhotographIdentity) -> Dataset:
    """The whole object, ready to be saved; the same arguments give the same bytes.

    Unknown Type 2 attributes stay empty. Type 1 attributes nobody knows get the value that claims least.
    """
    dataset = Dataset()
    is_8_bit = pixels.bits == 8
    dataset.SOPClassUID = OphthalmicPhotography8BitImageStorage if is_8_bit else OphthalmicPhotography16BitImageStorage
    dataset.SOPInstanceUID = instance_uid(source_sha256, identity)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    _patient_and_study(dataset, identity)
    _series_and_equipment(dataset, identity)
    _image(dataset, pixels, identity)
    _origin(dataset, pixels, source_sha256, identity)
    _acquisition(dataset)
    _pixel_data(dataset, pixels)
    return dataset


def coded(code: Code) -> Dataset:
    """One item of a code sequence, PS3.3 8.8."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning
    return item


def file_meta(sop_class: str, sop_instance: str, transfer_syntax: str) -> FileMetaDataset:
    """The file meta information of an object that Overread makes, PS3.10 7.1."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = _IMPLEMENTATION_NAME
    return meta


def srgb_profile() -> bytes:
    """LittleCMS's sRGB profile with a fixed date, so that it is the same in every run."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_PROFILE_DATE_AT : _PROFILE_DATE_AT + len(_PROFILE_DATE)] = _PROFILE_DATE
    return bytes(profile)


def _patient_and_study(dataset: Dataset, identity: PhotographIdentity) -> None:
    """PS3.3 C.7.1.1 and C.7.2.1: the id and the study are known, all else is Type 2 and empty."""
    dataset.PatientID = identity.patient_id
    if identity.issuer:
        dataset.IssuerOfPatientID = identity.issuer
    dataset.PatientName = dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyInstanceUID = identity.study_instance_uid
    visit = identity.study_taken or identity.acquired
    dataset.StudyDate = visit.strftime("%Y%m%d") if visit else ""
    dataset.StudyTime = visit.strftime("%H%M%S") if isinstance(visit, datetime) else ""
    dataset.ReferringPhysicianName = dataset.StudyID = dataset.AccessionNumber = ""


def _series_and_equipment(dataset: Dataset, identity: PhotographIdentity) -> None:
    """PS3.3 C.7.3.1, C.8.17.1 (series), C.7.5.2 (equipment), C.7.4.2 (synchronization)."""
    dataset.Modality = "OP"
    dataset.SeriesInstanceUID = series_uid(identity)
    dataset.SeriesNumber = None
    dataset.Manufacturer = dataset.ManufacturerModelName = UNKNOWN_EQUIPMENT
    dataset.DeviceSerialNumber = dataset.SoftwareVersions = UNKNOWN_EQUIPMENT
    # Synchronization is mandatory in the IOD: a time base of its own, without trigger, not synchronized.
    dataset.SynchronizationFrameOfReferenceUID = derived_uid("unsynchronized", str(dataset.SOPInstanceUID))
    dataset.SynchronizationTrigger = "NO TRIGGER"
    dataset.AcquisitionTimeSynchronized = "N"


def _image(dataset: Dataset, pixels: StoredPixels, identity: PhotographIdentity) -> None:
    """PS3.3 C.7.6.1 (image), C.8.17.2 (ophthalmic photography image), C.8.17.5 (ocular region), C.11.15 (ICC)."""
    dataset.InstanceNumber = identity.instance_number
    dataset.PatientOrientation = ""
    dataset.BurnedInAnnotation = "NO"
    dataset.ImageLaterality = identity.laterality
    dataset.AnatomicRegionSequence = Sequence([coded(RETINA)])
    if pixels.lossy_ratio is None:
        dataset.LossyImageCompression = "00"  # Type 1: no lossy compression is known of
    else:
        dataset.LossyImageCompression = "01"
        dataset.LossyImageCompressionRatio = f"{pixels.lossy_ratio:.2f}"
        dataset.LossyImageCompressionMethod = "ISO_10918_1"
    if pixels.profile is not None:
        dataset.ICCProfile = pixels.profile + b"\x00" * (len(pixels.profile) % 2)


def _origin(dataset: Dataset, pixels: StoredPixels, source_sha256: str, identity: PhotographIdentity) -> None:
    """Image Type and the dates that depend on it, PS3.3 C.8.17.2 and C.8.17.2.1.4.

    ORIGINAL demands an Acquisition DateTime (1C), when its pixels came into being. Where nobody but a camera's clock
    says when, or a day alone is known, the image is DERIVED, which demands a Value 3 and a Source Image Sequence (2C)
    that, where present, has an item (C.12.4): it names the photograph as it was received, by a UID derived from its
    bytes. Content Date and Time are Type 1: when these pixels came into being as far as anybody knows.
    """
    colours = ["COLOR"] if pixels.samples == 3 else []
    moment = identity.acquired if isinstance(identity.acquired, datetime) and not identity.by_camera else None
    if identity.acquired:
        dataset.AcquisitionDateTime = _written(identity.acquired)
    if moment:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", *([""] if colours else []), *colours]
    else:
        dataset.ImageType = ["DERIVED", "PRIMARY", "CONVERTED", *colours]
        source = Dataset()
        source.ReferencedSOPClassUID = SecondaryCaptureImageStorage
        source.ReferencedSOPInstanceUID = derived_uid("photograph file", source_sha256)
        source.PurposeOfReferenceCodeSequence = Sequence([coded(SOURCE_IMAGE)])
        dataset.SourceImageSequence = Sequence([source])
    content = moment or identity.received or _NO_DATE
    dataset.ContentDate, dataset.ContentTime = content.strftime("%Y%m%d"), content.strftime("%H%M%S")


def _written(taken: Taken) -> str:
    """PS3.5 6.2, VR DT: as far as it is known, with its distance from UTC where that is known."""
    return taken.strftime("%Y%m%d%H%M%S%z") if isinstance(taken, datetime) else taken.strftime("%Y%m%d")


def _acquisition(dataset: Dataset) -> None:
    """PS3.3 C.8.17.3 and C.8.17.4: Type 2, all unknown, but the type of device, which the sender's route states."""
    dataset.PatientEyeMovementCommanded = ""
    dataset.EmmetropicMagnification = dataset.IntraOcularPressure = dataset.HorizontalFieldOfView = None
    dataset.PupilDilated = ""
    dataset.RefractiveStateSequence = Sequence()
    dataset.AcquisitionDeviceTypeCodeSequence = Sequence([coded(FUNDUS_CAMERA)])
    dataset.IlluminationTypeCodeSequence = Sequence()
    dataset.LightPathFilterTypeStackCodeSequence = Sequence()
    dataset.ImagePathFilterTypeStackCodeSequence = Sequence()
    dataset.LensesCodeSequence = Sequence()
    dataset.DetectorType = ""
    dataset.AcquisitionContextSequence = Sequence()


def _pixel_data(dataset: Dataset, pixels: StoredPixels) -> None:
    """PS3.3 C.7.6.3 (pixels) and C.7.6.6 (multi-frame: mandatory in the IOD, one frame here)."""
    dataset.SamplesPerPixel = pixels.samples
    dataset.PhotometricInterpretation = pixels.interpretation
    if pixels.samples == 3:
        dataset.PlanarConfiguration = 0
    else:
        dataset.PresentationLUTShape = "IDENTITY"
    dataset.NumberOfFrames = 1
    dataset.FrameIncrementPointer = 0x00181063  # Frame Time, zero: there is no second frame
    dataset.FrameTime = 0
    dataset.Rows, dataset.Columns = pixels.rows, pixels.columns
    dataset.BitsAllocated = dataset.BitsStored = pixels.bits
    dataset.HighBit = pixels.bits - 1
    dataset.PixelRepresentation = 0
    identity = (str(dataset.SOPClassUID), str(dataset.SOPInstanceUID))
    if pixels.jpeg is not None:
        dataset.file_meta = file_meta(*identity, JPEGBaseline8Bit)
        dataset.PixelData = encapsulate([pixels.jpeg])
        dataset["PixelData"].VR = "OB"
    else:
        dataset.file_meta = file_meta(*identity, ExplicitVRLittleEndian)
        dataset.compress(JPEGLSLossless, pixels.array, generate_instance_uid=False)
