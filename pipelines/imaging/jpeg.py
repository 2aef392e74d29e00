"""Reads and trims the marker segments of a JPEG file without decoding it; source: ITU-T T.81 Annex B."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipelines.core.errors import CorruptPixels

_SOI: Final = 0xD8
_EOI: Final = 0xD9
_SOS: Final = 0xDA
_APP0: Final = 0xE0
_APP14: Final = 0xEE
_COM: Final = 0xFE
_BASELINE: Final = 0xC0  # SOF0: baseline DCT, Huffman, 8 bit
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn; not DHT, JPG, DAC
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RSTn carry no length
_PARAMETERS: Final = 8  # T.81 B.2.2: length (2), precision, lines (2), samples (2), components


@dataclass(frozen=True, slots=True)
class JpegLayout:
    """What a JPEG's frame header says: size in pixels, bits a sample, component ids, and the colour transform named."""

    is_baseline: bool
    width: int
    height: int
    bits: int
    components: bytes
    has_jfif: bool
    adobe_transform: int | None

    @property
    def is_ycbcr(self) -> bool:
        """Whether decoders take three components as Y, Cb, Cr (libjpeg's rule, jdapimin.c)."""
        if len(self.components) != 3:
            return False
        if self.adobe_transform is not None and not self.has_jfif:
            return self.adobe_transform == 1
        return self.has_jfif or self.components != b"RGB"


def layout(data: bytes) -> JpegLayout:
    """The frame header of a JPEG; raises CorruptPixels where there is none."""
    has_jfif, adobe = False, None
    for marker, start, end in _segments(data):
        if marker == _APP0 and data[start + 2 : start + 7] == b"JFIF\x00":
            has_jfif = True
        elif marker == _APP14 and data[start + 2 : start + 7] == b"Adobe" and end - start >= 14:
            adobe = data[start + 13]
        elif marker in _FRAMES:
            if end - start < _PARAMETERS or end - start < _PARAMETERS + 3 * data[start + 7]:
                raise CorruptPixels("a JPEG frame header is too short")
            bits, height, width, count = struct.unpack_from(">BHHB", data, start + 2)
            components = bytes(data[start + _PARAMETERS + 3 * i] for i in range(count))
            return JpegLayout(marker == _BASELINE, width, height, bits, components, has_jfif, adobe)
    raise CorruptPixels("the JPEG has no frame header")


def without_metadata(data: bytes) -> bytes:
    """The same JPEG without APP1-APP13, APP15 and comments, and without anything behind its end.

    EXIF, XMP and IPTC live in those segments and may name people, places and times. APP0 (JFIF) and APP14 (Adobe) stay:
    they say how to read the colours. The tables and the entropy-coded data stay byte for byte. Raises CorruptPixels
    where the file ends early.
    """
    kept = [b"\xff\xd8"]
    for marker, start, end in _segments(data):
        if marker == _SOS:
            kept.append(data[start - 2 : end_of_image(data, start - 2)])
            return b"".join(kept)
        if marker == _COM or (_APP0 < marker <= 0xEF and marker != _APP14):
            continue
        kept.append(data[start - 2 : end])
    raise CorruptPixels("the JPEG has no scan")


def end_of_image(data: bytes, first_scan: int) -> int:
    """The offset just behind the EOI marker that closes the scans beginning at `first_scan`."""
    position = first_scan
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 1 >= len(data):
            raise CorruptPixels("the JPEG ends early")
        marker = data[position + 1]
        if marker == _EOI:
            return position + 2
        if marker in (0x00, 0xFF) or marker in _BARE:
            position += 1 if marker == 0xFF else 2
            continue
        position += 2 + _length(data, position + 2)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, offset of its length field, end of the segment) up to and with the first SOS."""
    if data[:2] != bytes((0xFF, _SOI)):
        raise CorruptPixels("the JPEG does not begin with SOI")
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            raise CorruptPixels("a JPEG marker is missing")
        marker = data[position + 1]
        if marker == 0xFF:  # B.1.1.2: fill bytes may precede a marker
            position += 1
            continue
        if marker in _BARE:
            position += 2
            continue
        if marker == _EOI:
            return
        start = position + 2
        end = start + _length(data, start)
        if end > len(data):
            break
        yield marker, start, end
        if marker == _SOS:
            return
        position = end
    raise CorruptPixels("the JPEG ends early")


def _length(data: bytes, position: int) -> int:
    """The length field at `position`, which counts itself."""
    if position + 2 > len(data):
        raise CorruptPixels("the JPEG ends early")
    (length,) = struct.unpack_from(">H", data, position)
    if length < 2:
        raise CorruptPixels("a JPEG segment has no length")
    return int(length)
