"""Walks a folder tree in one stable order, from any place in it, holding a bounded part of one folder at a time."""

from __future__ import annotations

import errno
import heapq
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from pipelines.core.errors import OverreadError, SourceRefused, SourceUnavailable
from pipelines.imaging.laterality import without_side

#: Names of one folder that are held at once; a folder with more is read again for each so many.
WINDOW: Final = 20_000
#: No link is followed, and a pipe that somebody left does not make the reader wait.
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC

#: Files of a folder come before its folders; both eyes of a patient come together whatever their names begin with.
SortKey = tuple[bool, str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """Something in the tree: a file, or a folder that cannot be read, by its parts below the root."""

    parts: tuple[str, ...]
    is_readable: bool = True

    @property
    def path(self) -> PurePosixPath:
        """Its path below the root."""
        return PurePosixPath(*self.parts)


class Tree:
    """The folder tree below `root`; links, pipes, devices and hidden names are not part of it."""

    def __init__(self, root: str) -> None:
        """`root` is absolute and without links."""
        self._root = root

    def files(self, after: Found | None = None) -> Iterator[Found]:
        """All files behind `after` (None: from the beginning), in the tree's order.

        A folder that cannot be read is given as such. Raises SourceUnavailable or SourceRefused where it is the root.
        """
        return self._within((), after)

    @contextmanager
    def opened(self, parts: Sequence[str]) -> Iterator[BinaryIO]:
        """The file at these parts, open for reading. Raises SourceRefused, SourceUnavailable."""
        with self._folder(parts[:-1]) as folder, _refusing():
            descriptor = os.open(parts[-1], _FILE_FLAGS, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SourceRefused("this is no file any more", code="source_gone")
            yield file

    def _within(self, folder: tuple[str, ...], after: Found | None) -> Iterator[Found]:
        """What lies in a folder behind `after`, which lies there too."""
        start = None
        if after is not None:
            name, *deeper = after.parts[len(folder) :]
            start = _key(name, is_folder=bool(deeper) or not after.is_readable)
            if deeper:
                yield from self._inside((*folder, name), after)
        for key in self._entries(folder, start):
            is_folder, _, name = key
            if is_folder:
                yield from self._inside((*folder, name), None)
            else:
                yield Found((*folder, name))

    def _inside(self, folder: tuple[str, ...], after: Found | None) -> Iterator[Found]:
        """A folder below the root, whose loss does not end the walk."""
        try:
            yield from self._within(folder, after)
        except SourceRefused as error:
            # A folder that went away took its files along; one that may not be read is told of.
            if error.code != "source_gone":
                yield Found(folder, is_readable=False)

    def _entries(self, folder: tuple[str, ...], start: SortKey | None) -> Iterator[SortKey]:
        """The keys of a folder's entries behind `start`, in order."""
        while True:
            with self._folder(folder) as descriptor, _refusing(), os.scandir(descriptor) as entries:
                keys = (_key(entry.name, is_folder) for entry in entries if (is_folder := _kind(entry)) is not None)
                window = heapq.nsmallest(WINDOW, (key for key in keys if start is None or key > start))
            yield from window
            if len(window) < WINDOW:
                return
            start = window[-1]

    @contextmanager
    def _folder(self, parts: Sequence[str]) -> Iterator[int]:
        """A descriptor of the folder at these parts, reached without following a link below the root."""
        try:
            descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except PermissionError as error:
            raise reason_of(error) from error
        except OSError as error:  # a network folder that is not mounted looks as if it were gone
            raise SourceUnavailable("the folder cannot be read at the moment", errno=error.errno) from error
        try:
            for part in parts:
                with _refusing():
                    inner = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)


def _key(name: str, is_folder: bool) -> SortKey:
    return (is_folder, name if is_folder else without_side(name), name)


def _kind(entry: os.DirEntry[str]) -> bool | None:
    """Whether an entry is a folder; None for what is no part of the tree."""
    if entry.name.startswith("."):
        return None
    if entry.is_dir(follow_symlinks=False):
        return True
    return False if entry.is_file(follow_symlinks=False) else None


@contextmanager
def _refusing() -> Iterator[None]:
    """An error of the file system as ours, without the path it names."""
    try:
        yield
    except OSError as error:
        raise reason_of(error) from error


def reason_of(error: OSError) -> OverreadError:
    """Whether what could not be read is gone, is closed to us (SourceRefused), or may be back (SourceUnavailable)."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SourceRefused("it is not there any more", code="source_gone")
    if isinstance(error, PermissionError):
        return SourceRefused("it may not be read", code="source_unreadable")
    if error.errno == errno.ELOOP:
        return SourceRefused("it became a link", code="source_gone")
    return SourceUnavailable("it cannot be read at the moment", errno=error.errno)
