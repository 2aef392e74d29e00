"""Decodes baseline JPEGs at full or reduced scale, refusing damaged ones; only for the decoding child."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import cv2
import numpy as np

from pipelines.core.errors import CorruptPixels
from pipelines.imaging.picture import Rgb

#: Scale 1/n by libjpeg in the frequency domain; RGB order, and no turning by EXIF, which DICOM does not know.
_COMMON: Final = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_FLAGS: Final = {
    1: _COMMON,
    2: _COMMON | cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: _COMMON | cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: _COMMON | cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
_EXTRA: Final = re.compile(rb"(\d+) extraneous bytes before marker 0xd9")
#: Cameras pad the data before its end; more than this is damage.
_PADDING: Final = 64
_STANDARD_ERROR: Final = 2


def decode_jpeg(codestream: bytes, factor: int) -> Rgb:
    """(h, w, 3) RGB at 1/`factor` (1, 2, 4, 8), sizes rounded up; grey comes with equal channels.

    libjpeg paints over missing and broken data and only warns on standard error; a picture it warned of is refused, as
    nobody should grade what it made up. Raises CorruptPixels.
    """
    with _overheard() as heard:
        array = cv2.imdecode(np.frombuffer(codestream, np.uint8), _FLAGS[factor])
    if array is None or _is_damage(heard[0]):
        raise CorruptPixels()
    return np.asarray(array, dtype=np.uint8)


def _is_damage(warning: bytes) -> bool:
    if not warning:
        return False
    extra = _EXTRA.search(warning)
    return extra is None or int(extra[1]) > _PADDING


@contextmanager
def _overheard() -> Iterator[list[bytes]]:
    """What C code writes to standard error inside the block; the one item of the list is there afterwards."""
    heard: list[bytes] = []
    sys.stderr.flush()
    kept = os.dup(_STANDARD_ERROR)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), _STANDARD_ERROR)
        try:
            yield heard
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
            file.seek(0)
            heard.append(file.read())
