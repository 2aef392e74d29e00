"""Decodes the pixels of one DICOM object into 8-bit RGB; runs in the memory-limited child, see decoder.py."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit

from pipelines.core.errors import CorruptPixels, NoPixelData, NotAnImage, UnsuitableInput
from pipelines.imaging import jpeg
from pipelines.imaging.jpeg_pixels import decode_jpeg
from pipelines.imaging.ophthalmic import UNKNOWN_EQUIPMENT
from pipelines.imaging.picture import DecodedImage, Rgb, Window

#: One picture: three times the largest fundus sensor of 2026 (about 45 megapixels), 0.4 GB as 8-bit RGB.
MAX_PIXELS: Final = 2**27
_PIXEL_DATA: Final = 0x7FE00010
#: libjpeg decodes at these fractions in the frequency domain, at a fraction of the cost (libjpeg.txt, "scale_denom").
_FACTORS: Final = (8, 4, 2)
#: A picture without a window of its own is shown between these percentiles of its values.
_SHOWN_PERCENT: Final = (0.5, 99.5)
_LONG_STRING: Final = 64  # characters of LO
_JPEG_QUALITY: Final = 90  # no visible difference to the original at screen size


def decode(path: Path, min_side: int | None) -> DecodedImage:
    """A single-frame picture as (h, w, 3) uint8 RGB, at reduced scale while its short side stays >= `min_side`.

    Grey pictures come with three equal channels, MONOCHROME1 inverted, more than 8 bits scaled down by the bits stored.
    Raises NotAnImage, NoPixelData, CorruptPixels, UnsuitableInput (several frames, absurd size, float pixels, or, with
    code unsupported_pixels, a form without decoder).
    """
    dataset = _read(path)
    if _frames(dataset) != 1:
        raise UnsuitableInput("a photograph has one frame", frames=_frames(dataset))
    rows, columns = _shape(dataset)
    factor = _factor(min(rows, columns), min_side)
    array = _fast_jpeg(dataset, factor)
    if array is None:
        array = _shrunk(_as_rgb(dataset, _to_8_bits(_stored(dataset, 0), dataset)), factor)
    return DecodedImage(array, (rows, columns), 1 / factor, camera_of(dataset))


def camera_of(dataset: Dataset) -> str | None:
    """Manufacturer's Model Name (0008,1090) as printable text of at most 64 characters (PS3.5 Table 6.2-1, LO).

    None where it is absent, or where it is the word that photographs get at the door.
    """
    try:
        stated = str(dataset.get("ManufacturerModelName") or "")
    except (LookupError, TypeError, ValueError):  # a name that does not decode is none; the pixels may well do
        return None
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in stated).split())[:_LONG_STRING]
    return name if name and name != UNKNOWN_EQUIPMENT else None


def render(path: Path, width: int | None, window: Window | None, frame: int) -> bytes:
    """One frame as a JPEG at most `width` pixels wide, colours as they are, grey through its window.

    Raises as `decode` does; UnsuitableInput where there is no such frame.
    """
    dataset = _read(path)
    rows, columns = _shape(dataset)
    if not 0 <= frame < _frames(dataset):
        raise UnsuitableInput("there is no such frame", frames=_frames(dataset))
    wanted = min(width or columns, columns)
    factor = _factor(columns, wanted)
    array = _fast_jpeg(dataset, factor) if _frames(dataset) == 1 and window is None else None
    if array is None:
        stored = _stored(dataset, frame)
        array = _as_rgb(dataset, _to_8_bits(stored, dataset) if stored.ndim == 3 else _shown(stored, dataset, window))
    height = max(1, round(rows * wanted / columns))
    if array.shape[:2] != (height, wanted):
        array = np.asarray(cv2.resize(array, (wanted, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(array).save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def fitted(path: Path, width: int | None) -> bytes:
    """A picture file, such as an overlay that we drew, as a JPEG at most `width` pixels wide, never enlarged."""
    with Image.open(path) as picture:
        wanted = min(width or picture.width, picture.width)
        height = max(1, round(picture.height * wanted / picture.width))
        shown = picture.convert("RGB").resize((wanted, height), Image.Resampling.BOX)
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def _read(path: Path) -> Dataset:
    """The object up to its pixel data, which is checked for presence and size; what lies behind is let be."""
    try:
        with path.open("rb") as file:
            dataset = read_partial(file, stop_when=_is_behind_pixels)
    except InvalidDicomError as error:
        raise NotAnImage("the file is not DICOM") from error
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise UnsuitableInput("floating point pixels are no picture")
    if not dataset.get("PixelData"):
        raise NoPixelData()
    rows, columns = _shape(dataset)
    if not 0 < rows * columns <= MAX_PIXELS:
        raise UnsuitableInput("the picture's size is absurd", rows=rows, columns=columns)
    return dataset


def _is_behind_pixels(tag: int, _vr: str | None, _length: int) -> bool:
    return tag > _PIXEL_DATA


def _shape(dataset: Dataset) -> tuple[int, int]:
    return int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)


def _frames(dataset: Dataset) -> int:
    return int(dataset.get("NumberOfFrames") or 1)


def _factor(side: int, wanted: int | None) -> int:
    """The largest of 8, 4, 2, 1 that leaves `side` at `wanted` or more."""
    if wanted is None:
        return 1
    return next((factor for factor in _FACTORS if side // factor >= wanted), 1)


def _fast_jpeg(dataset: Dataset, factor: int) -> Rgb | None:
    """A baseline JPEG decoded by libjpeg at 1/factor; None where its colours need more care than libjpeg's rule."""
    if dataset.file_meta.TransferSyntaxUID != JPEGBaseline8Bit or dataset.get("BitsStored") != 8:
        return None
    codestream = get_frame(dataset.PixelData, 0, number_of_frames=1)
    found = jpeg.layout(codestream)
    if (found.height, found.width) != _shape(dataset):
        raise CorruptPixels("the codestream has another size than its header says")
    interpretation = str(dataset.get("PhotometricInterpretation"))
    is_grey = len(found.components) == 1 and interpretation == "MONOCHROME2"
    if not is_grey and not (found.is_ycbcr and interpretation.startswith("YBR_FULL")):
        return None
    return decode_jpeg(codestream, factor)


def _stored(dataset: Dataset, frame: int) -> npt.NDArray[np.generic]:
    """One frame as stored, colours already RGB: (h, w) or (h, w, 3), 8 or 16 bit; palette colours looked up."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax == JPEGExtended12Bit and dataset.get("BitsAllocated") != 8:
        raise UnsuitableInput("JPEG of 12 bits cannot be decoded", code="unsupported_pixels")
    try:
        array = pixel_array(dataset, index=frame)
    except NotImplementedError as error:
        raise UnsuitableInput("the transfer syntax cannot be decoded", code="unsupported_pixels") from error
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        array = apply_color_lut(array, dataset)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise UnsuitableInput("a picture has one or three samples a pixel", samples=array.shape[-1])
    return array


def _to_8_bits(array: npt.NDArray[np.generic], dataset: Dataset) -> Rgb:
    """Values scaled by the bits they are stored in: (h, w[, 3]) of any integer -> uint8."""
    bits = array.dtype.itemsize * 8
    if dataset.get("PhotometricInterpretation") != "PALETTE COLOR":
        bits = min(bits, int(dataset.get("BitsStored") or bits))
    if array.dtype == np.uint8 and bits == 8:
        return array.astype(np.uint8, copy=False)
    values = array.astype(np.int64)
    if array.dtype.kind == "i":
        values = values + (1 << (bits - 1))
    if bits > 8:
        values = values >> (bits - 8)
    elif bits < 8:
        values = values * 255 // ((1 << bits) - 1)
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def _shown(array: npt.NDArray[np.generic], dataset: Dataset, window: Window | None) -> Rgb:
    """Grey values through modality LUT and window: (h, w) of any integer -> uint8."""
    values = np.asarray(apply_modality_lut(array, dataset), dtype=np.float32)
    window = window or _own_window(dataset)
    if window is None:
        low, high = (float(edge) for edge in np.percentile(values, _SHOWN_PERCENT))
    else:
        low, high = window.centre - window.width / 2, window.centre + window.width / 2
    scaled = (values - low) * (255 / (high - low)) if high > low else np.zeros_like(values)
    return np.asarray(np.clip(scaled, 0, 255), dtype=np.uint8)


def _own_window(dataset: Dataset) -> Window | None:
    """The first window that the object itself brings."""
    centre, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    if centre is None or width is None:
        return None
    first = [float(value[0]) if isinstance(value, MultiValue) else float(value) for value in (centre, width)]
    return Window(first[0], first[1]) if first[1] > 0 else None


def _as_rgb(dataset: Dataset, array: Rgb) -> Rgb:
    """Grey to three equal channels, MONOCHROME1 turned so that larger is brighter."""
    if array.ndim == 3:
        return array
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        array = 255 - array
    return np.repeat(array[:, :, None], 3, axis=2)


def _shrunk(array: Rgb, factor: int) -> Rgb:
    """Mean over factor x factor pixels, sizes rounded up as libjpeg rounds them."""
    if factor == 1:
        return array
    height, width = (-(-side // factor) for side in array.shape[:2])
    return np.asarray(cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
