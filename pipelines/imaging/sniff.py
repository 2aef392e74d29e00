"""Says what kind of file some bytes are by their magic numbers alone; nothing is decoded."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

#: Enough for the farthest magic: NIfTI-1 at 344, tar at 257, DICOM at 128.
PREFIX_BYTES = 512

_LEADING_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),  # ITU-T T.81 B.1.1.3: SOI, then any marker
    (b"\x89PNG\r\n\x1a\n", "png"),  # W3C PNG 5.2
    (b"II*\x00", "tiff"),  # TIFF 6.0 section 2, little endian
    (b"MM\x00*", "tiff"),  # TIFF 6.0 section 2, big endian
    (b"II+\x00", "tiff"),  # BigTIFF
    (b"MM\x00+", "tiff"),
    (b"PK\x03\x04", "zip"),  # APPNOTE 4.3.7
    (b"PK\x05\x06", "zip"),  # APPNOTE 4.3.16: an empty archive
    (b"\x1f\x8b", "gzip"),  # RFC 1952 2.3.1
    (b"\x89HDF\r\n\x1a\n", "hdf5"),  # HDF5 file format 3.0, II.A
)
_NIFTI_1 = (b"n+1\x00", b"ni1\x00")  # nifti1.h, field `magic` at 344
_NIFTI_2 = (b"n+2\x00\r\n\x1a\n", b"ni2\x00\r\n\x1a\n")  # nifti2.h, field `magic` at 4


class MediaKind(StrEnum):
    """What a file is by its first bytes."""

    DICOM = "dicom"  #: DICOM Part 10, with its preamble
    ZIP = "zip"  #: a zip archive
    TAR = "tar"  #: an uncompressed tar archive
    GZIP = "gzip"  #: gzip: a tar.gz or a NIfTI; only decompressing tells which
    JPEG = "jpeg"  #: a photograph
    PNG = "png"  #: a photograph
    TIFF = "tiff"  #: a photograph
    NIFTI = "nifti"  #: an uncompressed NIfTI-1 or NIfTI-2 volume
    HDF5 = "hdf5"  #: raw MRI data, ISMRMRD or fastMRI
    EMPTY = "empty"  #: not one byte
    UNKNOWN = "unknown"  #: nothing Overread reads

    @property
    def is_photograph(self) -> bool:
        """Whether this is a picture file that can be wrapped into DICOM."""
        return self in {MediaKind.JPEG, MediaKind.PNG, MediaKind.TIFF}

    @property
    def is_archive(self) -> bool:
        """Whether this may hold other files."""
        return self in {MediaKind.ZIP, MediaKind.TAR, MediaKind.GZIP}


def sniff(prefix: bytes) -> MediaKind:
    """The first PREFIX_BYTES bytes of a file (or all of a shorter one) -> its kind."""
    if not prefix:
        return MediaKind.EMPTY
    if prefix[128:132] == b"DICM":  # PS3.10 7.1
        return MediaKind.DICOM
    for magic, kind in _LEADING_MAGICS:
        if prefix.startswith(magic):
            return MediaKind(kind)
    if prefix[257:262] == b"ustar":  # POSIX.1-1988 tar header
        return MediaKind.TAR
    if prefix[344:348] in _NIFTI_1 or prefix[4:12] in _NIFTI_2:
        return MediaKind.NIFTI
    return MediaKind.UNKNOWN


def sniff_file(path: Path) -> MediaKind:
    """The kind of the file at `path`; raises OSError where it cannot be opened."""
    with path.open("rb") as file:
        return sniff(file.read(PREFIX_BYTES))
