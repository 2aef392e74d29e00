"""Writes NIfTI-1 files: single, compressed, and with the same bytes for the same values."""

from __future__ import annotations

import gzip
from typing import Any, Final

import nibabel
import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.grid import Grid

_SCANNER: Final = 1  # nifti1.h, NIFTI_XFORM_SCANNER_ANAT: the scanner's own coordinates
_LEVEL: Final = 6  # of zlib: 9 takes four times as long for 1 % less


def write_nifti(array: NDArray[Any], grid: Grid) -> bytes:
    """(i, j, k) uint8, int16 or float32 on its grid -> the bytes of a .nii.gz file.

    The same array and grid give the same bytes: no name and no time are in the gzip header (RFC 1952 2.3).
    """
    image = nibabel.Nifti1Image(np.asarray(array), grid.affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(grid.affine, code=_SCANNER)
    # A sheared grid has no qform: it would say another place, so it says none.
    is_straight = np.allclose(_normalised(grid).T @ _normalised(grid), np.eye(3), atol=1e-4)
    image.set_qform(grid.affine if is_straight else None, code=_SCANNER if is_straight else 0)
    return gzip.compress(image.to_bytes(), compresslevel=_LEVEL, mtime=0)


def _normalised(grid: Grid) -> NDArray[np.float64]:
    """The directions of the axes, unit vectors in columns."""
    directions = grid.affine[:3, :3]
    return np.asarray(directions / np.linalg.norm(directions, axis=0))
