"""What a source of images outside is: it names what it holds in a stable order, and hands over one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pipelines.core.types import Laterality
from services.settings import MEBIBYTE

#: Files come in pieces of at most about this size, so that no file is ever held whole.
CHUNK_BYTES: Final = MEBIBYTE


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file on its way in: read `chunks` before the next file is asked for.

    `name` is what intake's rule of sides reads. `patient_id` says whose photograph, NIfTI or raw data this is where the
    source knows; all files of one locator have the same. `laterality` is the side of a photograph where somebody stated
    it. DICOM says both itself. All of this may identify people: it goes to intake and nowhere else.
    """

    name: str
    chunks: Iterator[bytes]
    patient_id: str | None = None
    laterality: Laterality | None = None


class Source(Protocol):
    """Images outside: a folder, or an archive. One thread at a time; errors say whether trying again can help.

    A locator is one study, as far as the source can tell (a file whose study lies in several places comes as several
    locators of that study). It may hold a path or a UID: it is stored, and never logged or shown.
    """

    def locators(self, after: str | None, limit: int) -> Sequence[str]:
        """Up to `limit` locators that follow `after` in the source's own order, from the beginning for None.

        Empty at the end. Another source object, on another day, goes on from the same place; what came in before
        `after` meanwhile is not seen. Memory does not grow with the source. Raises SourceUnavailable, and SourceRefused
        where the source as a whole cannot be read.
        """

    def fetch(self, locator: str) -> Iterator[FetchedFile]:
        """The files of one locator, streamed.

        Raises SourceRefused (this locator cannot be had) and SourceUnavailable (try again), also while `chunks` are
        read; close the iterator where it is left early.
        """

    def close(self) -> None:
        """Give back connections and files; harmless to repeat."""
