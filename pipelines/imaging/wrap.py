"""Makes a DICOM Ophthalmic Photography object of a photograph; runs in the memory-limited child, see decoder.py."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from pipelines.core.errors import CorruptPixels, NotAnImage, UnsuitableInput
from pipelines.imaging import jpeg
from pipelines.imaging.jpeg_pixels import decode_jpeg
from pipelines.imaging.ophthalmic import StoredPixels, ophthalmic_photograph, srgb_profile
from pipelines.imaging.photograph import PhotographIdentity, WrappedPhotograph
from pipelines.imaging.pixels import MAX_PIXELS
from pipelines.imaging.sniff import MediaKind, sniff

_ORIENTATION: Final = 0x0112  # Exif 2.32, table 4; TIFF 6.0 tag 274
_EXIF_IFD: Final = 0x8769  # Exif 2.32, 4.6.3
_DATE_TIME_ORIGINAL: Final = 0x9003  # Exif 2.32, table 8; DateTime (306) says when a file was changed last
_CLOCK_CHARACTERS: Final = 64
_BITS_PER_SAMPLE: Final = 258  # TIFF 6.0
_COMPRESSION: Final = 259  # TIFF 6.0
_TIFF_JPEG: Final = frozenset({6, 7})  # TIFF 6.0 section 22 and Technical Note 2
_PNG_DEPTH_AT: Final = 24  # W3C PNG 11.2.2: IHDR's bit depth, behind signature, length, type, width and height
_CHECKED_AT: Final = 8  # scale 1/8
_EIGHT_BIT_MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "La", "RGBa"})
#: What Pillow raises on a header that it cannot read.
_BROKEN: Final = (OSError, SyntaxError, ValueError, IndexError, TypeError, KeyError)
_GREY_MODES: Final = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N", "I"})


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the header of a picture file says."""

    kind: MediaKind
    mode: str
    bits: int
    orientation: int
    is_lossy: bool
    profile: bytes | None

    @property
    def is_grey(self) -> bool:
        return self.mode in _GREY_MODES


def wrap(source: Path, target: Path, identity: PhotographIdentity) -> WrappedPhotograph:
    """Write the photograph at `source` as a DICOM object to `target`.

    A baseline JPEG keeps its entropy-coded data byte for byte; all else is stored losslessly (JPEG-LS), turned upright
    by its EXIF orientation, without alpha. No other metadata of the file is carried over but a colour profile. Raises
    NotAnImage, UnsuitableInput (several pictures, float samples, absurd size), CorruptPixels.
    """
    data = source.read_bytes()
    opened = _open(data)
    pixels = _encapsulated(data, opened) or _decoded(data, opened)
    sha256 = hashlib.sha256(data).hexdigest()
    dataset = ophthalmic_photograph(pixels, sha256, identity)
    dataset.save_as(target, enforce_file_format=True)
    return WrappedPhotograph(
        sop_instance_uid=str(dataset.SOPInstanceUID),
        sop_class_uid=str(dataset.SOPClassUID),
        series_instance_uid=str(dataset.SeriesInstanceUID),
        study_instance_uid=str(dataset.StudyInstanceUID),
        transfer_syntax=str(dataset.file_meta.TransferSyntaxUID),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        source_sha256=sha256,
    )


def camera_clock(source: Path) -> str:
    """EXIF's DateTimeOriginal of the photograph at `source`, as it stands there; empty where there is none.

    Only the header is read. Raises UnsuitableInput (absurd size), CorruptPixels.
    """
    try:
        with Image.open(source, formats=("JPEG", "PNG", "TIFF")) as picture:
            told = picture.getexif().get_ifd(_EXIF_IFD).get(_DATE_TIME_ORIGINAL, "")
    except Image.DecompressionBombError as error:
        raise UnsuitableInput("the picture's size is absurd") from error
    except _BROKEN as error:
        raise CorruptPixels("the photograph's header does not decode") from error
    text = told.decode("ascii", "replace") if isinstance(told, bytes) else str(told)
    return text[:_CLOCK_CHARACTERS].strip("\x00 ")


def _open(data: bytes) -> _Opened:
    """Read the header alone; raises NotAnImage or UnsuitableInput."""
    kind = sniff(data[:512])
    if not kind.is_photograph:
        raise NotAnImage("the file is neither JPEG, PNG nor TIFF")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            if not 0 < width * height <= MAX_PIXELS:
                raise UnsuitableInput("the picture's size is absurd", rows=height, columns=width)
            # A phone's multi-picture JPEG holds its preview behind the picture; other formats hold equal pictures.
            if kind is not MediaKind.JPEG and getattr(picture, "n_frames", 1) != 1:
                raise UnsuitableInput("the file holds several pictures")
            bits, is_lossy = 8, kind is MediaKind.JPEG
            if kind is MediaKind.PNG:
                bits = data[_PNG_DEPTH_AT]
            elif kind is MediaKind.TIFF:
                tags = picture.tag_v2  # type: ignore[attr-defined]  # only TIFF pictures have it
                bits = max(tags.get(_BITS_PER_SAMPLE, (1,)))
                is_lossy = tags.get(_COMPRESSION) in _TIFF_JPEG
            orientation = int(picture.getexif().get(_ORIENTATION, 1))
            return _Opened(kind, picture.mode, bits, orientation, is_lossy, picture.info.get("icc_profile"))
    except Image.DecompressionBombError as error:
        raise UnsuitableInput("the picture's size is absurd") from error
    except _BROKEN as error:
        raise CorruptPixels("the photograph's header does not decode") from error


def _encapsulated(data: bytes, opened: _Opened) -> StoredPixels | None:
    """The baseline JPEG as it is, its metadata segments dropped; None where it has to be decoded.

    A photograph that EXIF turns has to be decoded: DICOM has no such flag, and every viewer would show it on its side.
    """
    if opened.kind is not MediaKind.JPEG or opened.orientation not in (0, 1):
        return None
    found = jpeg.layout(data)
    if not found.is_baseline or found.bits != 8 or len(found.components) not in (1, 3):
        return None
    if opened.mode not in ("L", "RGB"):
        return None
    codestream = jpeg.without_metadata(data)
    decode_jpeg(codestream, _CHECKED_AT)  # reads the whole stream for a tenth of the time; raises CorruptPixels
    return StoredPixels(
        jpeg=codestream,
        array=None,
        rows=found.height,
        columns=found.width,
        samples=len(found.components),
        bits=8,
        interpretation=_interpretation(found),
        lossy_ratio=found.width * found.height * len(found.components) / len(codestream),
        profile=_profile(opened),
    )


def _interpretation(found: jpeg.JpegLayout) -> str:
    """PS3.5 8.2.1: JPEG with Y, Cb, Cr is YBR_FULL_422, also where chroma is kept whole or halved twice."""
    if len(found.components) == 1:
        return "MONOCHROME2"
    return "YBR_FULL_422" if found.is_ycbcr else "RGB"


def _decoded(data: bytes, opened: _Opened) -> StoredPixels:
    """The picture decoded, upright, without alpha, to be stored losslessly."""
    array: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    if opened.bits == 16:
        array = _sixteen_bits(data, opened)
    elif opened.mode in _EIGHT_BIT_MODES and opened.bits <= 8:
        array = _eight_bits(data, opened)
    else:
        raise UnsuitableInput("a photograph has 8 or 16 bits a sample", bits=opened.bits)
    rows, columns = array.shape[:2]
    samples = 1 if array.ndim == 2 else 3
    return StoredPixels(
        jpeg=None,
        array=array,
        rows=rows,
        columns=columns,
        samples=samples,
        bits=array.dtype.itemsize * 8,
        interpretation="MONOCHROME2" if samples == 1 else "RGB",
        lossy_ratio=array.nbytes / len(data) if opened.is_lossy else None,
        profile=_profile(opened),
    )


def _eight_bits(data: bytes, opened: _Opened) -> npt.NDArray[np.uint8]:
    """(h, w) or (h, w, 3) uint8; a palette, CMYK or YCbCr becomes RGB."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            # exif_transpose before convert: convert drops the tag. TIFF pictures turn themselves on loading.
            upright = ImageOps.exif_transpose(picture)
            return np.array(upright.convert("L" if opened.is_grey else "RGB"))
    except Image.DecompressionBombError as error:
        raise UnsuitableInput("the picture's size is absurd") from error
    except (OSError, SyntaxError, ValueError, TypeError, KeyError) as error:
        raise CorruptPixels("the photograph does not decode") from error


def _sixteen_bits(data: bytes, opened: _Opened) -> npt.NDArray[np.uint16]:
    """(h, w) or (h, w, 3) uint16; OpenCV, because Pillow cuts 16-bit colours to 8."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16:
        raise CorruptPixels("the photograph does not decode")
    array = np.asarray(found, dtype=np.uint16)
    if array.ndim == 3:
        array = array[:, :, 0] if opened.is_grey else array[:, :, 2::-1]
    if opened.kind is MediaKind.PNG:  # OpenCV turns a TIFF by its orientation, but not a PNG
        array = _upright(array, opened.orientation)
    return np.ascontiguousarray(array, dtype=np.uint16)


def _upright(array: npt.NDArray[np.uint16], orientation: int) -> npt.NDArray[np.uint16]:
    """Turn and mirror (h, w[, 3]) as Exif 2.32 4.6.4 orders for orientations 1-8."""
    if orientation >= 5:
        array = np.swapaxes(array, 0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array


def _profile(opened: _Opened) -> bytes | None:
    """The file's own ICC profile if it is one for RGB, else sRGB, as is the convention; None for grey."""
    if opened.is_grey:
        return None
    own = opened.profile
    return own if own and own[16:20] == b"RGB " else srgb_profile()  # ICC.1:2022 7.2.8: data colour space at 16
