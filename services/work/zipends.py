"""Measures a zip archive's central directory before the library reads it: a lying one would fill the memory."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Final

from pipelines.core.errors import ArchiveRefused

END: Final = struct.Struct("<4s4H2LH")  # APPNOTE 4.3.16, end of central directory record
END_MAGIC: Final = b"PK\5\6"
END64_LOCATOR: Final = struct.Struct("<4sLQL")  # APPNOTE 4.3.15
END64_LOCATOR_MAGIC: Final = b"PK\6\7"
END64: Final = struct.Struct("<4sQ2H2L4Q")  # APPNOTE 4.3.14
END64_MAGIC: Final = b"PK\6\6"
LONGEST_COMMENT: Final = 0xFFFF
SHORTEST_ENTRY: Final = 46  # APPNOTE 4.3.12: a central directory header without name, extra field and comment
#: Names, extra fields and comments of an honest archive; together with `members` this bounds the library's memory.
MEAN_ENTRY: Final = 512
DIRECTORY_FLOOR: Final = 64 * 1024


def check_directory(path: Path, members: int) -> None:
    """Raise ArchiveRefused where the zip has no end record, or a directory of more than `members` entries."""
    with path.open("rb") as file:
        entries, size = _stated(file)
        if entries > members or size > max(members * MEAN_ENTRY, DIRECTORY_FLOOR):
            raise ArchiveRefused("the archive has too many members", code="archive_too_many", limit=members)
        # The library trusts the directory's size, not the stated count.
        if _counted(file, size) > members:
            raise ArchiveRefused("the archive has too many members", code="archive_too_many", limit=members)


def _stated(file: BinaryIO) -> tuple[int, int]:
    """(entries, bytes) of the central directory as the end record states them; leaves the file behind the directory."""
    length = file.seek(0, 2)
    tail_at = max(0, length - END.size - LONGEST_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    found = tail.rfind(END_MAGIC)
    if found < 0 or len(tail) - found < END.size:
        raise ArchiveRefused("the archive is damaged", code="archive_damaged")
    _, _, _, _, entries, size, _, _ = END.unpack_from(tail, found)
    end_at = tail_at + found
    end64_at = end_at - END64_LOCATOR.size - END64.size
    if end64_at < 0:
        return _placed(file, end_at, entries, size)
    file.seek(end64_at)
    record, locator = file.read(END64.size), file.read(END64_LOCATOR.size)
    if not locator.startswith(END64_LOCATOR_MAGIC):
        return _placed(file, end_at, entries, size)
    # Where the library looks, whatever offset the locator states.
    if not record.startswith(END64_MAGIC):
        raise ArchiveRefused("the archive is damaged", code="archive_damaged")
    *_, entries, size, _ = END64.unpack(record)
    return _placed(file, end64_at, entries, size)


def _placed(file: BinaryIO, directory_end: int, entries: int, size: int) -> tuple[int, int]:
    if size > directory_end:
        raise ArchiveRefused("the archive is damaged", code="archive_damaged")
    file.seek(directory_end)
    return entries, size


def _counted(file: BinaryIO, size: int) -> int:
    """Entries really in the `size` bytes before the file's position."""
    start = file.seek(-size, 1)
    position, count = 0, 0
    while position + SHORTEST_ENTRY <= size:
        file.seek(start + position)
        header = file.read(SHORTEST_ENTRY)
        position += SHORTEST_ENTRY + sum(struct.unpack_from("<3H", header, 28))
        count += 1
    return count
