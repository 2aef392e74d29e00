"""Reads NIfTI files, compressed or not, whatever their name; runs in the decoding child, see decoder.py.

Source: NIfTI-1 (nifti1.h) and NIfTI-2. Single files alone: pairs of .hdr and .img are two uploads and refused.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from pipelines.core.errors import CorruptPixels, NotAnImage, UnsuitableInput
from pipelines.imaging.frames import NiftiHeader

#: As float32: 250 million voxels, eight times a 0.5 mm head. Half as much again is held while it is read.
MAX_BYTES: Final = 1_000_000_000
_GZIP: Final = b"\x1f\x8b"  # RFC 1952 2.3.1
_NIFTI2_SIZES: Final = (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c")  # nifti2.h: sizeof_hdr is 540
#: nifti1.h, xyzt_units: metres, millimetres, micrometres as millimetres; what is unknown is taken as millimetres.
_UNITS_MM: Final = {"meter": 1000.0, "mm": 1.0, "micron": 0.001}


def read_nifti_header(path: Path) -> NiftiHeader:
    """The header alone; raises NotAnImage (code broken_nifti)."""
    with _opened(path) as image:
        return _header(image)


def read_nifti(path: Path) -> NDArray[np.float32]:
    """The voxels as (i, j, k) float32, scaled as the header says; NaN stays. Raises NotAnImage (broken_nifti),
    UnsuitableInput (colour, complex; several volumes; too large), CorruptPixels where the file ends early."""
    with _opened(path) as image:
        shape = _spatial(image.shape)
        if image.get_data_dtype().kind not in "iuf":
            raise UnsuitableInput("a volume has one real value a voxel", code="geometry_colour")
        if int(np.prod(shape, dtype=np.int64)) * 4 > MAX_BYTES:
            raise UnsuitableInput("the volume is too large", code="volume_too_large", voxels=int(np.prod(shape)))
        try:
            values = np.asanyarray(image.get_fdata(dtype=np.float32, caching="unchanged"), np.float32)
        except (EOFError, OSError, zlib.error) as error:
            raise CorruptPixels("the file ends inside its values or is damaged", code="truncated_pixels") from error
        return values.reshape(shape)


def _spatial(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(i, j, k) of a shape whose further axes are all 1; raises UnsuitableInput where they are not."""
    i, j, k = (*shape, 1, 1, 1)[:3]
    if any(length != 1 for length in shape[3:]):
        raise UnsuitableInput(
            "the file holds several volumes", code="geometry_time_points", volumes=int(np.prod(shape[3:]))
        )
    return i, j, k


def _header(image: Any) -> NiftiHeader:  # Any: nibabel has no types
    header = image.header
    scale = _UNITS_MM.get(str(header.get_xyzt_units()[0]), 1.0)
    affine = np.diag([scale, scale, scale, 1.0]) @ np.asarray(image.affine, np.float64)
    sform, qform = header.get_sform(coded=True)[0], header.get_qform(coded=True)[0]
    agree = 0.0
    if sform is not None and qform is not None:
        agree = corner_distance(image.shape, np.asarray(sform), np.asarray(qform)) * scale
    return NiftiHeader(tuple(int(n) for n in image.shape), affine, sform is not None or qform is not None, agree)


def corner_distance(shape: tuple[int, ...], one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The farthest that two affines place one corner apart, in their units."""
    sides = [(0, length - 1) for length in (*shape, 1, 1, 1)[:3]]
    corners = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 3)
    shift = corners @ (one - other)[:3, :3].T + (one - other)[:3, 3]
    return float(np.linalg.norm(shift, axis=1).max())


@contextmanager
def _opened(path: Path) -> Iterator[Any]:  # Any: nibabel has no types
    """The file as a nibabel image for the time of the block; raises NotAnImage where it is none."""
    with path.open("rb") as plain:
        is_compressed = plain.read(2) == _GZIP
        plain.seek(0)
        stream: io.IOBase = gzip.GzipFile(fileobj=plain) if is_compressed else plain
        try:
            is_second = stream.read(4) in _NIFTI2_SIZES
            stream.seek(0)
            image = (nibabel.Nifti2Image if is_second else nibabel.Nifti1Image).from_stream(stream)
        except (ImageFileError, HeaderDataError, WrapStructError, ValueError, EOFError, OSError, zlib.error) as error:
            raise NotAnImage("the file is no NIfTI volume that can be read", code="broken_nifti") from error
        if min(image.shape, default=0) < 1:
            raise NotAnImage("the NIfTI header states a side without voxels", code="broken_nifti")
        yield image
