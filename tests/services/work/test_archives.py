"""Archives that nobody vouches for: what is unsafe is refused as a whole before a member is read."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.core.errors import ArchiveRefused
from pipelines.imaging.sniff import MediaKind
from services.settings import MEBIBYTE
from services.work import archives
from services.work.archives import ArchiveLimits, kind_within_gzip, open_tar, open_zip

LIMITS = ArchiveLimits(total_bytes=64 * MEBIBYTE, member_bytes=32 * MEBIBYTE, members=100, ratio=200.0)
ENTRY_MAGIC = b"PK\1\2"  # APPNOTE 4.3.12


def zip_with(*names: str, content: bytes = b"content", compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


def zip_of_mode(mode: int) -> bytes:
    buffer = io.BytesIO()
    info = zipfile.ZipInfo("entry")
    info.external_attr = mode << 16
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "target")
    return buffer.getvalue()


def encrypted() -> bytes:
    plain = bytearray(zip_with("a"))
    place = plain.index(ENTRY_MAGIC)
    plain[place + 8] |= 1  # general purpose flag bit 0
    return bytes(plain)


def misplaced() -> bytes:
    plain = bytearray(zip_with("a"))
    struct.pack_into("<L", plain, plain.index(b"PK\5\6") + 16, 100_000)  # APPNOTE 4.3.16, offset of the directory
    return bytes(plain)


def tar_with(*members: tarfile.TarInfo, mode: str = "w", content: bytes = b"content") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for member in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def huge_header() -> bytes:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    return info.tobuf() + bytes(4096)


def sparse() -> bytes:
    info = tarfile.TarInfo("sparse")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1000000000000"}
    info.pax_headers["GNU.sparse.name"] = "sparse"
    content = b"0\n".ljust(512, b"\0")
    info.size = len(content)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def read_all(opened: Callable[..., object], path: Path, limits: ArchiveLimits = LIMITS) -> dict[str, bytes]:
    members = opened(path, limits)
    return {member.name: b"".join(member.chunks) for member in members}  # type: ignore[attr-defined]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "archive"
        path.write_bytes(content)
        return path

    return write


ZIPS = {
    "archive_unsafe_path": [
        zip_with("../up"),
        zip_with("a/../../up"),
        zip_with("/absolute"),
        zip_with("C:\\windows"),
        zip_with("..\\up"),
        zip_with("fine", "then/../up"),
    ],
    "archive_link": [zip_of_mode(0o120777), zip_of_mode(0o020644), zip_of_mode(0o010644)],
    "archive_encrypted": [encrypted()],
    "archive_unsupported": [zip_with("a", compression=zipfile.ZIP_LZMA), zip_with("a", compression=zipfile.ZIP_BZIP2)],
    "archive_too_many": [zip_with(*[str(number) for number in range(101)])],
    "archive_bomb": [zip_with("zeros", content=bytes(20 * MEBIBYTE))],
    "archive_too_large": [zip_with("a", "b", "c", content=bytes(22 * MEBIBYTE), compression=zipfile.ZIP_STORED)],
    "archive_damaged": [misplaced(), zip_with("a")[:-10], b"PK\3\4" + bytes(100), b"PK\5\6" + bytes(10)],
}
TARS = {
    "archive_unsafe_path": [
        tar_with(entry("../up")),
        tar_with(entry("/absolute")),
        tar_with(entry("a"), entry("../b")),
    ],
    "archive_link": [
        tar_with(entry("a", tarfile.SYMTYPE, "/etc/passwd")),
        tar_with(entry("b"), entry("a", tarfile.LNKTYPE, "b")),
        tar_with(entry("a", tarfile.CHRTYPE)),
        tar_with(entry("a", tarfile.FIFOTYPE)),
    ],
    "archive_unsupported": [sparse()],
    "archive_too_many": [tar_with(*[entry(str(number)) for number in range(101)])],
    "archive_bomb": [tar_with(entry("zeros"), mode="w:gz", content=bytes(20 * MEBIBYTE))],
    "archive_too_large": [tar_with(*[entry(name) for name in "abc"], content=bytes(22 * MEBIBYTE))],
    "archive_damaged": [
        tar_with(entry("a"), content=bytes(5000))[:2000],
        tar_with(entry("a"), mode="w:gz", content=bytes(range(256)) * 400)[:-300],
    ],
}


@pytest.mark.parametrize(
    ("code", "content"), [(code, one) for code, contents in ZIPS.items() for one in contents], ids=lambda value: ""
)
def test_an_unsafe_zip_is_refused(written: Callable[[bytes], Path], code: str, content: bytes) -> None:
    with pytest.raises(ArchiveRefused) as refused:
        read_all(open_zip, written(content))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("code", "content"), [(code, one) for code, contents in TARS.items() for one in contents], ids=lambda value: ""
)
def test_an_unsafe_tar_is_refused(written: Callable[[bytes], Path], code: str, content: bytes) -> None:
    with pytest.raises(ArchiveRefused) as refused:
        read_all(open_tar, written(content))
    assert refused.value.code == code


def test_nothing_is_given_of_an_archive_that_turns_unsafe_at_its_end(written: Callable[[bytes], Path]) -> None:
    for opened, content in ((open_zip, zip_with("a", "../b")), (open_tar, tar_with(entry("a"), entry("../b")))):
        members = opened(written(content), LIMITS)
        with pytest.raises(ArchiveRefused):
            next(members)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_the_files_of_a_tar_come_in_order(written: Callable[[bytes], Path], mode: str) -> None:
    content = bytes(range(256)) * 20
    folder = entry("folder", tarfile.DIRTYPE)
    path = written(tar_with(folder, entry("folder/b"), entry("a"), entry("x" * 300), mode=mode, content=content))
    assert list(read_all(open_tar, path).items()) == [("folder/b", content), ("a", content), ("x" * 300, content)]


def test_the_files_of_a_zip_come_in_order(written: Callable[[bytes], Path]) -> None:
    assert list(read_all(open_zip, written(zip_with("folder/", "folder/b", "a")))) == ["folder/b", "a"]


def test_a_zip_whose_directory_understates_a_size_is_cut_and_refused(written: Callable[[bytes], Path]) -> None:
    honest = bytearray(zip_with("a", content=bytes(100_000)))
    struct.pack_into("<L", honest, honest.index(ENTRY_MAGIC) + 24, 10)  # APPNOTE 4.3.12, uncompressed size
    members = open_zip(written(bytes(honest)), LIMITS)
    with pytest.raises(ArchiveRefused) as refused:
        list(next(members).chunks)
    assert refused.value.code == "archive_damaged"


def test_a_damaged_member_does_not_take_the_next_one_with_it(written: Callable[[bytes], Path]) -> None:
    content = bytearray(zip_with("a", "b", content=b"a unique text", compression=zipfile.ZIP_STORED))
    content[content.index(b"unique")] ^= 0xFF
    members = open_zip(written(bytes(content)), LIMITS)
    with pytest.raises(ArchiveRefused):
        list(next(members).chunks)
    assert list(next(members).chunks) == [b"a unique text"]


def test_a_directory_that_lies_about_its_count_is_counted(written: Callable[[bytes], Path]) -> None:
    content = bytearray(zip_with(*[str(number) for number in range(150)]))
    end = content.index(b"PK\5\6")
    struct.pack_into("<2H", content, end + 8, 1, 1)  # APPNOTE 4.3.16, entries on this disk and in all
    with pytest.raises(ArchiveRefused) as refused:
        read_all(open_zip, written(bytes(content)))
    assert refused.value.code == "archive_too_many"


def test_one_file_past_its_limit_is_refused_while_it_is_read(written: Callable[[bytes], Path]) -> None:
    limits = ArchiveLimits(total_bytes=64 * MEBIBYTE, member_bytes=1000, members=10, ratio=200.0)
    members = open_zip(written(zip_with("a", content=bytes(2000))), limits)
    with pytest.raises(ArchiveRefused) as refused:
        list(next(members).chunks)
    assert refused.value.code == "file_too_large"


def test_a_header_that_would_fill_the_memory_is_not_read(written: Callable[[bytes], Path]) -> None:
    with pytest.raises(ArchiveRefused, match="absurdly long"):
        read_all(open_tar, written(huge_header()))


def test_small_archives_of_blank_images_are_no_bombs(written: Callable[[bytes], Path]) -> None:
    content = bytes(archives.RATIO_FLOOR_BYTES // 4)
    assert len(read_all(open_zip, written(zip_with("a", "b", content=content)))) == 2


def test_what_gzip_holds_is_told_by_what_is_inside(written: Callable[[bytes], Path]) -> None:
    assert kind_within_gzip(written(tar_with(entry("a"), mode="w:gz"))) is MediaKind.TAR
    with pytest.raises(ArchiveRefused):
        kind_within_gzip(written(b"\x1f\x8b" + b"not gzip"))
