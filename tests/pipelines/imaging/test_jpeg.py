from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pipelines.core.errors import CorruptPixels
from pipelines.imaging.jpeg import layout, without_metadata

NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
EXIF = Image.Exif()
EXIF[0x010E] = "Jane Doe"  # ImageDescription


def jpeg(mode: str = "RGB", *, progressive: bool = False, comment: str = "", exif: bytes = b"") -> bytes:
    out = io.BytesIO()
    picture = Image.fromarray(NOISE).convert(mode)
    picture.save(out, "JPEG", progressive=progressive, comment=comment, exif=exif)
    return out.getvalue()


def test_the_layout_of_a_colour_jpeg() -> None:
    found = layout(jpeg())
    assert (found.width, found.height, found.bits, found.components) == (50, 40, 8, b"\x01\x02\x03")
    assert found.is_baseline
    assert found.is_ycbcr


def test_the_layout_of_a_grey_jpeg() -> None:
    found = layout(jpeg("L"))
    assert len(found.components) == 1
    assert not found.is_ycbcr


def test_a_progressive_jpeg_is_not_baseline() -> None:
    assert not layout(jpeg(progressive=True)).is_baseline


def test_metadata_goes_and_pixels_stay() -> None:
    trimmed = without_metadata(jpeg(comment="Jane Doe", exif=EXIF.tobytes()))
    assert b"Jane Doe" not in trimmed
    assert b"Exif" not in trimmed
    assert trimmed == without_metadata(jpeg())
    with Image.open(io.BytesIO(trimmed)) as picture, Image.open(io.BytesIO(jpeg())) as original:
        assert np.array_equal(np.asarray(picture), np.asarray(original))


def test_bytes_behind_the_end_are_cut_off() -> None:
    assert without_metadata(jpeg() + b"a second picture") == without_metadata(jpeg())


def test_entropy_coded_data_stays_byte_for_byte() -> None:
    data = jpeg(comment="gone")
    scan = data[data.index(b"\xff\xda") :]
    assert without_metadata(data).endswith(scan)


@pytest.mark.parametrize("end", [2, 10, 100, 400, -2])
def test_a_jpeg_that_ends_early_is_refused(end: int) -> None:
    with pytest.raises(CorruptPixels):
        without_metadata(jpeg()[:end])


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xe0\x00\x00", b"\xff\xd8" + b"\xff" * 99]
)
def test_what_has_no_frame_header_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptPixels):
        layout(data)
