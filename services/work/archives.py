"""Opens zip and tar archives that nobody vouches for: looked over as a whole first, then read member by member."""

from __future__ import annotations

import gzip
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final, Self

from pipelines.core.errors import ArchiveRefused
from pipelines.imaging.sniff import PREFIX_BYTES, MediaKind, sniff
from services.settings import MEBIBYTE, Settings
from services.work.zipends import check_directory

CHUNK_BYTES: Final = MEBIBYTE
#: Below this size the ratio says nothing: an honest archive of small blank images may well exceed it.
RATIO_FLOOR_BYTES: Final = 16 * MEBIBYTE
#: tarfile reads long names and PAX headers into memory in one piece; an honest one is a few hundred bytes.
TAR_HEADER_BYTES: Final = 2 * CHUNK_BYTES
#: The others are rare in archives of images, and an LZMA stream may ask for gigabytes before it gives a byte.
COMPRESSIONS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
ENCRYPTED: Final = 0x1  # APPNOTE 4.4.4, general purpose bit 0
UNIX_KIND_SHIFT: Final = 16  # APPNOTE 4.4.15: the high half of the external attributes is the Unix mode
UNIX_KIND_MASK: Final = 0o170000
UNIX_REGULAR: Final = 0o100000
UNIX_FOLDER: Final = 0o040000
_DAMAGED: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    ValueError,  # numbers and names in headers that are neither
    NotImplementedError,  # features that zipfile does not know
    struct.error,
)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What one archive may unpack to."""

    total_bytes: int
    member_bytes: int
    members: int
    ratio: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits these settings state."""
        return cls(
            total_bytes=settings.archive_max_bytes,
            member_bytes=settings.max_file_bytes,
            members=settings.archive_max_members,
            ratio=settings.archive_max_ratio,
        )


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive; `chunks` may be read once, before the next member is asked for.

    `chunks` raises ArchiveRefused where the member is damaged or a limit is passed.
    """

    name: str
    chunks: Iterator[bytes]


def kind_within_gzip(path: Path) -> MediaKind:
    """What a gzip file holds by its first bytes; raises ArchiveRefused where it does not decompress."""
    with _damage_is_refusal(), gzip.open(path) as file:
        return sniff(file.read(PREFIX_BYTES))


def open_zip(path: Path, limits: ArchiveLimits) -> Iterator[Member]:
    """The files of a zip archive, in order; raises ArchiveRefused before the first where the whole is not safe."""
    check_directory(path, limits.members)
    with _damage_is_refusal(), zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        packed = path.stat().st_size
        for info in members:
            _check_zip_member(info, packed)
        # The directory's sizes are the sender's word: what is really unpacked is counted again below.
        total = sum(info.file_size for info in members)
        meter = _Meter(limits, packed)
        meter.check(total)
        for info in members:
            yield Member(info.filename, _zip_chunks(archive, info, limits.member_bytes, meter))
            meter.check()


def open_tar(path: Path, limits: ArchiveLimits) -> Iterator[Member]:
    """The files of a tar or tar.gz archive, in order; raises ArchiveRefused before the first where it is not safe.

    The headers are read twice: a whole first pass, so that nothing is kept of an archive that turns out unsafe.
    """
    with _damage_is_refusal():
        with _tar_stream(path, limits) as archive:
            for count, info in enumerate(_tar_headers(archive), start=1):
                _check_tar_member(info, count, limits)
        with _tar_stream(path, limits) as archive:
            for info in _tar_headers(archive):
                file = archive.extractfile(info)
                if file is not None:
                    yield Member(info.name, _chunks(file, limits.member_bytes))


@contextmanager
def _damage_is_refusal() -> Iterator[None]:
    try:
        yield
    except ArchiveRefused:
        raise
    except _DAMAGED as error:
        raise ArchiveRefused("the archive is damaged", code="archive_damaged") from error


def _zip_chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int, meter: _Meter) -> Iterator[bytes]:
    with _damage_is_refusal(), archive.open(info) as file:
        for chunk in _chunks(file, most):
            meter.add(len(chunk))
            yield chunk


def _chunks(file: IO[bytes], most: int) -> Iterator[bytes]:
    size = 0
    with _damage_is_refusal():
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            if size > most:
                raise ArchiveRefused("a file in the archive is past the size limit", code="file_too_large", limit=most)
            yield chunk


class _Meter:
    """Counts what came out of an archive against its limits."""

    def __init__(self, limits: ArchiveLimits, packed: int) -> None:
        self._limits = limits
        self._packed = max(packed, 1)
        self._total = 0

    def add(self, size: int) -> None:
        self._total += size
        self.check()

    def check(self, total: int | None = None) -> None:
        total = self._total if total is None else total
        if total > self._limits.total_bytes:
            raise ArchiveRefused(
                "the archive unpacks to more than the limit", code="archive_too_large", limit=self._limits.total_bytes
            )
        if total > RATIO_FLOOR_BYTES and total / self._packed > self._limits.ratio:
            raise ArchiveRefused(
                "the archive unpacks to far more than its own size", code="archive_bomb", ratio=total // self._packed
            )


def _check_name(name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    drive = len(name) > 1 and name[1] == ":"
    if not name or "\0" in name or drive or parts.is_absolute() or ".." in parts.parts:
        raise ArchiveRefused("a name in the archive leads out of it", code="archive_unsafe_path")


def _check_zip_member(info: zipfile.ZipInfo, packed: int) -> None:
    # orig_filename is what the archive says; zipfile cuts names at a NUL.
    _check_name(info.orig_filename)
    if info.flag_bits & ENCRYPTED:
        raise ArchiveRefused("the archive is encrypted", code="archive_encrypted")
    if not 0 <= info.header_offset < packed:
        raise ArchiveRefused("the archive is damaged", code="archive_damaged")
    if info.compress_type not in COMPRESSIONS:
        raise ArchiveRefused("the archive is compressed in an uncommon way", code="archive_unsupported")
    kind = (info.external_attr >> UNIX_KIND_SHIFT) & UNIX_KIND_MASK
    if kind not in {0, UNIX_REGULAR, UNIX_FOLDER}:
        raise ArchiveRefused("the archive holds a link or a device", code="archive_link")


def _check_tar_member(info: tarfile.TarInfo, count: int, limits: ArchiveLimits) -> None:
    if count > limits.members:
        raise ArchiveRefused("the archive has too many members", code="archive_too_many", limit=limits.members)
    _check_name(info.name)
    if info.issparse():
        raise ArchiveRefused("the archive holds a sparse file", code="archive_unsupported")
    if not (info.isreg() or info.isdir()):
        raise ArchiveRefused("the archive holds a link or a device", code="archive_link")


@contextmanager
def _tar_stream(path: Path, limits: ArchiveLimits) -> Iterator[tarfile.TarFile]:
    meter = _Meter(limits, path.stat().st_size)
    with _opened(path) as raw, tarfile.TarFile(fileobj=_Forward(raw, meter), mode="r") as archive:  # type: ignore[arg-type]
        yield archive


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    with path.open("rb") as file:
        if sniff(file.read(PREFIX_BYTES)) is not MediaKind.GZIP:
            file.seek(0)
            yield file
            return
    with gzip.open(path) as unpacked:
        yield unpacked


def _tar_headers(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (info := archive.next()) is not None:
        yield info
        # tarfile remembers every header it saw; a hundred thousand of them are 100 MB.
        archive.members.clear()  # type: ignore[attr-defined]  # typeshed leaves the documented attribute out


class _Forward:
    """A file that only goes forward, counts what it gives and refuses to be read in one huge piece.

    tarfile would seek back by a byte now and then, which makes gzip start again from the beginning; and it reads a PAX
    header of any stated size into memory.
    """

    def __init__(self, file: BinaryIO | gzip.GzipFile, meter: _Meter) -> None:
        self._file = file
        self._meter = meter
        self._position = 0

    def read(self, size: int) -> bytes:
        if size > TAR_HEADER_BYTES:
            raise ArchiveRefused("a header in the archive is absurdly long", code="archive_damaged")
        data = self._file.read(size)
        self._position += len(data)
        self._meter.add(len(data))
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        while self._position < position:
            if not self.read(min(CHUNK_BYTES, position - self._position)):
                return
        if position < self._position:
            raise ArchiveRefused("the archive is damaged", code="archive_damaged")
