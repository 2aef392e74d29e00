"""Decodes frames of a DICOM image into floats of the modality's units; runs in the decoding child, see decoder.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import iter_pixels

from pipelines.core.errors import CorruptPixels, NoPixelData, NotAnImage, UnsuitableInput

#: One call's frames as float32; the asker takes larger objects in several calls.
MAX_BYTES: Final = 1_000_000_000
#: A single frame fits; what is larger is read where it is needed.
_DEFERRED_BYTES: Final = 4_000_000


def read_frames(path: Path, indices: Sequence[int] | None) -> NDArray[np.float32]:
    """The frames `indices` (all where None) as (frames, rows, columns) float32, rescaled by slope, intercept or LUT.

    Values are those of the modality (PS3.3 C.11.1, C.7.6.16.2.9); MONOCHROME1 is not turned over, since that is a
    matter of display. Raises NotAnImage, NoPixelData, CorruptPixels, UnsuitableInput (colour; no decoder, code
    unsupported_pixels; more than one call gives, code too_large).
    """
    dataset = _header(path)
    count = int(dataset.get("NumberOfFrames") or 1)
    wanted = list(range(count)) if indices is None else list(indices)
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if any(not 0 <= index < count for index in wanted):
        raise UnsuitableInput("there is no such frame", frames=count)
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise UnsuitableInput("a volume has one value a voxel, not colours", code="geometry_colour")
    if len(wanted) * rows * columns * 4 > MAX_BYTES:
        raise UnsuitableInput("the frames do not fit one answer", code="too_large", frames=len(wanted))
    frames = np.empty((len(wanted), rows, columns), np.float32)
    try:
        source = dataset if count == 1 else path  # a path is parsed again, but gives frame by frame
        for place, stored in enumerate(iter_pixels(source, indices=wanted)):
            frames[place] = _rescaled(stored, dataset, wanted[place])
    except NotImplementedError as error:
        raise UnsuitableInput("the transfer syntax cannot be decoded", code="unsupported_pixels") from error
    except AttributeError as error:  # pydicom's word for an object without pixel data or without its description
        raise NoPixelData() from error
    return frames


def _header(path: Path) -> Dataset:
    """The object, its large values still in the file."""
    try:
        return dcmread(path, defer_size=_DEFERRED_BYTES)
    except InvalidDicomError as error:
        raise NotAnImage("the file is not DICOM") from error


def _rescaled(stored: NDArray[np.generic], dataset: Dataset, index: int) -> NDArray[np.float32]:
    """Stored values of one frame -> the modality's; raises CorruptPixels where the rescale is no number."""
    scale = _scale(dataset, index)
    if scale is None:
        if "ModalityLUTSequence" in dataset:
            return np.asarray(apply_modality_lut(stored, dataset), np.float32)
        return np.asarray(stored, np.float32)
    slope, intercept = scale
    if not np.isfinite([slope, intercept]).all() or slope == 0:
        raise CorruptPixels("the rescale slope or intercept is no usable number", slope=slope, intercept=intercept)
    return np.asarray(np.asarray(stored, np.float64) * slope + intercept, np.float32)


def _scale(dataset: Dataset, index: int) -> tuple[float, float] | None:
    """Slope and intercept of a frame: its own group's, the shared one's, the object's; None where nobody says."""
    places = [dataset]
    for keyword, item in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", index)):
        groups = dataset.get(keyword) or []
        for group in groups[item : item + 1]:
            places.extend(list(group.get("PixelValueTransformationSequence") or [])[:1])
    for place in reversed(places):
        slope, intercept = place.get("RescaleSlope"), place.get("RescaleIntercept")
        if slope is not None or intercept is not None:
            return float(slope if slope is not None else 1), float(intercept or 0)
    return None
