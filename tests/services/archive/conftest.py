"""Fixtures of the tests of sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.archive.base import FetchedFile, Source


def all_locators(source: Source, limit: int = 3) -> list[str]:
    """Every locator, page by page."""
    found: list[str] = []
    while page := source.locators(found[-1] if found else None, limit):
        found += page
    return found


def contents(files: Iterable[FetchedFile] | Iterator[FetchedFile]) -> list[bytes]:
    """What the files hold."""
    return [b"".join(file.chunks) for file in files]
