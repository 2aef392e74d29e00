"""Cuts files and folders into requests: what belongs to one visit travels together, no request is huge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from pipelines.core.errors import NotFound
from pipelines.imaging.sniff import PREFIX_BYTES, sniff

FILES_A_PARCEL: Final = 200
BYTES_A_PARCEL: Final = 128 * 1024**2


@dataclass(frozen=True, slots=True)
class Letter:
    """One file to send."""

    path: Path
    bytes: int
    is_photograph: bool


@dataclass(frozen=True, slots=True)
class Parcel:
    """Files for one request. Photographs of one folder are one visit and are never torn apart."""

    letters: tuple[Letter, ...]

    @property
    def are_photographs(self) -> bool:
        """Whether this is a visit's photographs (else DICOM files and archives)."""
        return self.letters[0].is_photograph


def collect(paths: Sequence[Path]) -> list[Letter]:
    """All files named and all in the folders named, once each, in a fixed order; hidden ones are left out.

    Raises NotFound where a path does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise NotFound(f"there is no file or folder {path}")
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not _is_hidden(file, path):
                found.setdefault(file.resolve())
    return [_letter(file) for file in found]


def _is_hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def _letter(path: Path) -> Letter:
    with path.open("rb") as opened:
        kind = sniff(opened.read(PREFIX_BYTES))
    return Letter(path, path.stat().st_size, kind.is_photograph)


def pack(letters: Sequence[Letter]) -> Iterator[Parcel]:
    """Photographs folder by folder, then everything else in requests of bounded size."""
    photographs = [letter for letter in letters if letter.is_photograph]
    for _, visit in groupby(sorted(photographs, key=lambda one: one.path.parent), key=lambda one: one.path.parent):
        yield Parcel(tuple(visit))
    held: list[Letter] = []
    for letter in letters:
        if letter.is_photograph:
            continue
        full = len(held) == FILES_A_PARCEL or sum(one.bytes for one in held) + letter.bytes > BYTES_A_PARCEL
        if held and full:
            yield Parcel(tuple(held))
            held = []
        held.append(letter)
    if held:
        yield Parcel(tuple(held))
