"""Photographs become DICOM objects through the decoder, as at intake."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.encaps import get_frame

from pipelines.core.errors import CorruptPixels, NotAnImage, UnsuitableInput
from pipelines.core.types import Laterality
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.dicom import read_header
from pipelines.imaging.jpeg import without_metadata
from pipelines.imaging.photograph import PhotographIdentity, instance_uid

IDENTITY = PhotographIdentity("P-1", "1.2.3", Laterality.LEFT, issuer="Clinic", received=datetime(2026, 3, 4, 5, 6, 7))
EIGHT_BIT, SIXTEEN_BIT = "1.2.840.10008.5.1.4.1.1.77.1.5.1", "1.2.840.10008.5.1.4.1.1.77.1.5.2"
JPEG_BASELINE, JPEG_LS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.80"

Wrap = Callable[..., FileDataset]
Array = npt.NDArray[np.uint8]


@pytest.fixture(scope="session")
def picture() -> Array:
    """(120, 160, 3), smooth, with different corners, so that turning it shows."""
    y, x = np.mgrid[0:120, 0:160]
    return np.dstack([x, y, (x + y) // 2]).astype(np.uint8)


@pytest.fixture
def wrap(decoder: Decoder, tmp_path: Path) -> Wrap:
    """A file's bytes -> the DICOM object made of them."""

    def make(data: bytes, identity: PhotographIdentity = IDENTITY) -> FileDataset:
        (tmp_path / "photo").write_bytes(data)
        decoder.wrap_photograph(tmp_path / "photo", tmp_path / "object.dcm", identity)
        return dcmread(tmp_path / "object.dcm")

    return make


def encoded(array: npt.NDArray[np.generic], kind: str, mode: str | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Jane's camera"
    return exif.tobytes()


def sixteen_bits(array: Array, extension: str) -> bytes:
    wide = array.astype(np.uint16) * 257
    return cv2.imencode(extension, wide[..., ::-1] if wide.ndim == 3 else wide)[1].tobytes()


VARIANTS = {
    "jpeg": lambda a: encoded(a, "JPEG"),
    "jpeg 4:4:4": lambda a: encoded(a, "JPEG", subsampling=0),
    "jpeg grey": lambda a: encoded(a, "JPEG", "L"),
    "jpeg cmyk": lambda a: encoded(a, "JPEG", "CMYK"),
    "jpeg progressive": lambda a: encoded(a, "JPEG", progressive=True),
    "jpeg turned": lambda a: encoded(a, "JPEG", exif=turned(6)),
    "png": lambda a: encoded(a, "PNG"),
    "png grey": lambda a: encoded(a, "PNG", "L"),
    "png palette": lambda a: encoded(a, "PNG", "P"),
    "png alpha": lambda a: encoded(a, "PNG", "RGBA"),
    "png two colours": lambda a: encoded(a, "PNG", "1"),
    "png 16 bit": lambda a: sixteen_bits(a, ".png"),
    "png 16 bit grey": lambda a: sixteen_bits(a[..., 0], ".png"),
    "tiff": lambda a: encoded(a, "TIFF"),
    "tiff lzw": lambda a: encoded(a, "TIFF", compression="tiff_lzw"),
    "tiff jpeg": lambda a: encoded(a, "TIFF", compression="jpeg"),
    "tiff 16 bit": lambda a: sixteen_bits(a, ".tiff"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_object_passes_dciodvfy(wrap: Wrap, picture: Array, tmp_path: Path, variant: str) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed")
    for acquired in (None, datetime(2024, 2, 29, 10, 11, 12)):
        wrap(VARIANTS[variant](picture), replace(IDENTITY, acquired=acquired))
        said = subprocess.run(["dciodvfy", tmp_path / "object.dcm"], capture_output=True, text=True, check=False)
        assert "Error" not in said.stdout + said.stderr


@pytest.mark.parametrize(
    "known",
    [
        {"acquired": date(2024, 2, 29)},
        {"acquired": datetime(2024, 2, 29, 10, 11, 12, tzinfo=UTC), "study_taken": date(2024, 2, 28)},
        {"acquired": datetime(2024, 2, 29, 10, 11, 12), "by_camera": True},
    ],
)
def test_an_object_says_when_it_was_taken_as_far_as_that_is_known(
    wrap: Wrap, picture: Array, tmp_path: Path, known: dict[str, object]
) -> None:
    made = wrap(encoded(picture, "JPEG"), replace(IDENTITY, **known))  # type: ignore[arg-type]
    assert made.AcquisitionDateTime.startswith("20240229")
    is_moment_of_a_sender = "study_taken" in known
    assert made.ImageType[0] == ("ORIGINAL" if is_moment_of_a_sender else "DERIVED")
    assert made.ContentDate == ("20240229" if is_moment_of_a_sender else "20260304")
    if shutil.which("dciodvfy") is not None:
        said = subprocess.run(["dciodvfy", tmp_path / "object.dcm"], capture_output=True, text=True, check=False)
        assert "Error" not in said.stdout + said.stderr


#: PS3.3 A.41.4: of every module that is mandatory.
TYPE_1 = (
    "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality InstanceNumber ImageType ContentDate "
    "ContentTime SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit "
    "PixelRepresentation PixelData NumberOfFrames FrameIncrementPointer LossyImageCompression BurnedInAnnotation "
    "ImageLaterality AnatomicRegionSequence SynchronizationFrameOfReferenceUID SynchronizationTrigger "
    "AcquisitionTimeSynchronized AcquisitionDeviceTypeCodeSequence Manufacturer"
)
TYPE_2 = (
    "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID "
    "AccessionNumber SeriesNumber PatientOrientation PatientEyeMovementCommanded RefractiveStateSequence "
    "EmmetropicMagnification IntraOcularPressure HorizontalFieldOfView PupilDilated DetectorType "
    "IlluminationTypeCodeSequence LightPathFilterTypeStackCodeSequence ImagePathFilterTypeStackCodeSequence "
    "LensesCodeSequence AcquisitionContextSequence"
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_object_has_every_type_1_and_type_2_attribute(wrap: Wrap, picture: Array, variant: str) -> None:
    dataset = wrap(VARIANTS[variant](picture))
    assert [keyword for keyword in TYPE_1.split() if not dataset[keyword].value and dataset[keyword].value != 0] == []
    assert [keyword for keyword in TYPE_2.split() if keyword not in dataset] == []


def test_nothing_clinical_is_invented(wrap: Wrap, picture: Array) -> None:
    dataset = wrap(encoded(picture, "JPEG", exif=turned(1)))
    known = {"PatientID", "PatientName", "StudyDate"}
    assert (dataset.PatientID, dataset.IssuerOfPatientID, dataset.ImageLaterality) == ("P-1", "Clinic", "L")
    assert [name for name in TYPE_2.split() if name not in known and dataset[name].value] == []
    assert str(dataset.PatientName) == dataset.StudyDate == ""
    assert "AcquisitionDateTime" not in dataset
    assert dataset.ImageType[0] == "DERIVED"
    assert (dataset.ContentDate, dataset.ContentTime) == ("20260304", "050607")


def test_a_known_acquisition_time_makes_the_image_original(wrap: Wrap, picture: Array) -> None:
    dataset = wrap(encoded(picture, "JPEG"), replace(IDENTITY, acquired=datetime(2024, 2, 29, 10, 11, 12)))
    assert dataset.ImageType[0] == "ORIGINAL"
    assert dataset.AcquisitionDateTime == "20240229101112"


def test_a_baseline_jpeg_is_encapsulated_unchanged_but_for_its_metadata(wrap: Wrap, picture: Array) -> None:
    data = encoded(picture, "JPEG", exif=turned(1), comment="Jane Doe")
    dataset = wrap(data)
    assert dataset.file_meta.TransferSyntaxUID == JPEG_BASELINE
    stored = get_frame(dataset.PixelData, 0, number_of_frames=1)
    assert stored.rstrip(b"\0") == without_metadata(data)
    assert b"Jane" not in stored
    assert dataset.LossyImageCompression == "01"


@pytest.mark.parametrize("variant", ["png", "png alpha", "tiff", "tiff lzw", "png 16 bit", "tiff 16 bit"])
def test_a_lossless_picture_stays_what_it_was(
    wrap: Wrap, picture: Array, decoder: Decoder, tmp_path: Path, variant: str
) -> None:
    dataset = wrap(VARIANTS[variant](picture))
    assert dataset.file_meta.TransferSyntaxUID == JPEG_LS
    assert dataset.LossyImageCompression == "00"
    assert np.array_equal(decoder.decode_dicom(tmp_path / "object.dcm").array, picture)


def test_a_progressive_jpeg_is_stored_losslessly_and_said_to_have_been_lossy(
    wrap: Wrap, picture: Array, decoder: Decoder, tmp_path: Path
) -> None:
    data = VARIANTS["jpeg progressive"](picture)
    dataset = wrap(data)
    assert (dataset.file_meta.TransferSyntaxUID, dataset.LossyImageCompression) == (JPEG_LS, "01")
    with Image.open(io.BytesIO(data)) as original:
        assert np.array_equal(decoder.decode_dicom(tmp_path / "object.dcm").array, np.asarray(original))


@pytest.mark.parametrize(
    ("variant", "sop_class"), [("png", EIGHT_BIT), ("png 16 bit", SIXTEEN_BIT), ("png 16 bit grey", SIXTEEN_BIT)]
)
def test_sixteen_bits_use_their_own_class(wrap: Wrap, picture: Array, variant: str, sop_class: str) -> None:
    assert wrap(VARIANTS[variant](picture)).SOPClassUID == sop_class


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_exif_orientation_is_applied(
    wrap: Wrap, picture: Array, decoder: Decoder, tmp_path: Path, kind: str, orientation: int
) -> None:
    # The picture as the camera stored it, so that showing it by its orientation gives `picture`.
    back = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    how = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: np.swapaxes(a, 0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.swapaxes(np.rot90(a, 2), 0, 1),
        8: lambda a: np.rot90(a, 1),
    }
    wrap(encoded(np.ascontiguousarray(how[back](picture)), kind, exif=turned(orientation)))
    assert np.array_equal(decoder.decode_dicom(tmp_path / "object.dcm").array, picture)


def test_a_16_bit_png_is_turned_as_well(wrap: Wrap, picture: Array, decoder: Decoder, tmp_path: Path) -> None:
    data = sixteen_bits(np.ascontiguousarray(np.rot90(picture, 1)), ".png")
    chunk = b"eXIf" + turned(6).removeprefix(b"Exif\x00\x00")
    inserted = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    wrap(data[:33] + inserted + data[33:])  # behind the signature and IHDR
    assert np.array_equal(decoder.decode_dicom(tmp_path / "object.dcm").array, picture)


def test_a_16_bit_tiff_is_turned_as_well(wrap: Wrap, picture: Array, decoder: Decoder, tmp_path: Path) -> None:
    out = io.BytesIO()
    wide = np.ascontiguousarray(np.rot90(picture, 1)).astype(np.uint16) * 257
    tifffile.imwrite(out, wide, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    wrap(out.getvalue())
    assert np.array_equal(decoder.decode_dicom(tmp_path / "object.dcm").array, picture)


def test_the_same_photograph_gives_the_same_bytes(wrap: Wrap, picture: Array, tmp_path: Path) -> None:
    digests = set()
    for _ in range(2):
        wrap(VARIANTS["png"](picture))
        digests.add(hashlib.sha256((tmp_path / "object.dcm").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_the_uid_comes_from_source_patient_study_and_eye(wrap: Wrap, picture: Array) -> None:
    data = encoded(picture, "PNG")
    sha256 = hashlib.sha256(data).hexdigest()
    assert wrap(data).SOPInstanceUID == instance_uid(sha256, IDENTITY)
    others = [
        replace(IDENTITY, patient_id="P-2"),
        replace(IDENTITY, issuer=None),
        replace(IDENTITY, study_instance_uid="1.2.4"),
        replace(IDENTITY, laterality=Laterality.RIGHT),
    ]
    assert len({instance_uid(sha256, identity) for identity in [IDENTITY, *others]}) == 5
    assert instance_uid(sha256, replace(IDENTITY, received=None, instance_number=7)) == instance_uid(sha256, IDENTITY)


def test_a_profile_of_the_file_is_kept(wrap: Wrap, picture: Array) -> None:
    assert wrap(encoded(picture, "JPEG")).ICCProfile[36:40] == b"acsp"  # ICC.1:2022 7.2.12: the signature
    own = bytes(16) + b"RGB " + bytes(16) + b"acsp" + bytes(100)
    assert wrap(encoded(picture, "PNG", icc_profile=own)).ICCProfile == own


def test_the_header_reads_back(wrap: Wrap, picture: Array, tmp_path: Path) -> None:
    wrap(VARIANTS["jpeg"](picture))
    header = read_header(tmp_path / "object.dcm")
    assert (header.rows, header.columns, header.modality, header.laterality) == (120, 160, "OP", Laterality.LEFT)


def test_a_cut_photograph_is_refused(wrap: Wrap, picture: Array) -> None:
    for variant in ("jpeg", "png", "tiff lzw", "jpeg progressive"):
        data = VARIANTS[variant](picture)
        with pytest.raises(CorruptPixels):
            wrap(data[: len(data) // 2])


def test_several_pictures_in_a_file_are_refused(wrap: Wrap, picture: Array) -> None:
    pages = encoded(picture, "TIFF", save_all=True, append_images=[Image.fromarray(picture)])
    with pytest.raises(UnsuitableInput, match="several"):
        wrap(pages)


def test_floating_point_pictures_are_refused(wrap: Wrap) -> None:
    with pytest.raises(UnsuitableInput):
        wrap(encoded(np.ones((9, 9), np.float32), "TIFF"))


def test_a_decompression_bomb_is_refused(wrap: Wrap) -> None:
    with pytest.raises(UnsuitableInput, match="absurd"):
        wrap(encoded(np.zeros((20_000, 20_000), np.bool_), "PNG"))


def test_another_file_is_refused(wrap: Wrap) -> None:
    with pytest.raises(NotAnImage):
        wrap(b"not a photograph at all")
