from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from pipelines.imaging.sniff import PREFIX_BYTES, MediaKind, sniff, sniff_file


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind)
    return out.getvalue()


def archive_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "b")
    return out.getvalue()


def archive_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (picture("JPEG"), MediaKind.JPEG),
        (picture("PNG"), MediaKind.PNG),
        (picture("TIFF"), MediaKind.TIFF),
        (archive_zip(), MediaKind.ZIP),
        (archive_tar(), MediaKind.TAR),
        (gzip.compress(b"a"), MediaKind.GZIP),
        (nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)).to_bytes(), MediaKind.NIFTI),
        (nibabel.Nifti2Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)).to_bytes(), MediaKind.NIFTI),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), MediaKind.HDF5),
        (bytes(128) + b"DICM", MediaKind.DICOM),
        (b"", MediaKind.EMPTY),
        (b"hello", MediaKind.UNKNOWN),
        (bytes(PREFIX_BYTES), MediaKind.UNKNOWN),
    ],
)
def test_a_file_is_known_by_its_first_bytes(data: bytes, kind: MediaKind) -> None:
    assert sniff(data[:PREFIX_BYTES]) is kind


def test_the_name_of_a_file_does_not_matter(synthetic_dicom: Callable[..., Path]) -> None:
    assert sniff_file(synthetic_dicom("holiday.jpg")) is MediaKind.DICOM


def test_a_preamble_may_hold_another_formats_magic() -> None:
    assert sniff(b"II*\x00" + bytes(124) + b"DICM") is MediaKind.DICOM  # PS3.10 7.1: dual TIFF and DICOM files
