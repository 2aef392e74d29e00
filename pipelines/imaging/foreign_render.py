"""Pictures of files that are no DICOM, for the viewer; runs in the decoding child, see decoder.py."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.grid import Grid, Volume, to_ras
from pipelines.imaging.kspace_child import opened_source
from pipelines.imaging.nifti_child import read_nifti, read_nifti_header
from pipelines.imaging.sniff import MediaKind

_SHOWN_PERCENT: Final = (0.5, 99.5)  # as pixels.render shows grey pictures without a window
_JPEG_QUALITY: Final = 90


def render_foreign(path: Path, kind: MediaKind, width: int | None) -> bytes:
    """A NIfTI volume's middle axial slice, or the logarithm of raw data's middle plane, as JPEG.

    At most `width` pixels wide, never enlarged. The slice lies as radiologists look at it: right on the left, anterior
    at the top. Raises as read_nifti and opened_source do, UnsuitableInput where there is not one finite value.
    """
    picture = _axial(path) if kind is MediaKind.NIFTI else _samples(path)
    finite = picture[np.isfinite(picture)]
    if not finite.size:
        raise UnsuitableInput("the picture holds no number", code="volume_not_finite")
    low, high = (float(edge) for edge in np.percentile(finite, _SHOWN_PERCENT))
    scaled = (np.nan_to_num(picture, nan=low) - low) * (255 / (high - low) if high > low else 0)
    shown = np.clip(scaled, 0, 255).astype(np.uint8)
    wanted = min(width or shown.shape[1], shown.shape[1])
    if wanted < shown.shape[1]:
        height = max(1, round(shown.shape[0] * wanted / shown.shape[1]))
        shown = np.asarray(cv2.resize(shown, (wanted, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(shown).save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def _axial(path: Path) -> NDArray[np.float32]:
    """(y, x) float32: the middle slice from head to foot, patient's right on the left, anterior at the top."""
    values = read_nifti(path)
    i, j, k = values.shape
    placed = to_ras(Volume(values, Grid((i, j, k), read_nifti_header(path).affine))).array
    return np.ascontiguousarray(placed[::-1, ::-1, placed.shape[2] // 2].T)


def _samples(path: Path) -> NDArray[np.float32]:
    """(rows, columns) float32: logarithm of the root sum of squares over the coils of the middle plane's samples."""
    with opened_source(path) as source:
        middle = source.planes // 2
        plane = source.read(middle, middle + 1)[0]
    scale = max(float(np.abs(plane).mean()), float(np.finfo(np.float32).tiny))
    return np.asarray(np.log1p(np.linalg.norm(plane, axis=0) / scale), np.float32)
