"""What a submission works with, and where it writes down what became of each file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipelines.core.errors import OverreadError
from pipelines.imaging.foreign import ReadsForeign
from services.settings import Settings
from services.store.stores import Store
from services.work.bell import Rings
from services.work.close import StudyAnswer
from services.work.outcomes import FileOutcome, rejected
from services.work.photographs import WrapsPhotographs
from services.work.rejections import Refused, reject
from services.work.spool import SpooledFile


class Decodes(WrapsPhotographs, ReadsForeign, Protocol):
    """The decoding child as intake needs it (pipelines.imaging.decoder.Decoder)."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a submission works with."""

    store: Store
    settings: Settings
    bell: Rings
    decoder: Decodes
    actor: str
    source: str = "rest"

    def reject(self, refused: Sequence[Refused]) -> None:
        """Note what was refused; its bytes go to the quarantine."""
        reject(self.store, self.settings, refused, self.actor, self.source)


@dataclass(frozen=True, slots=True)
class Received:
    """The answer: what became of each file, in order, and the studies they belong to."""

    files: tuple[FileOutcome, ...]
    studies: tuple[StudyAnswer, ...]

    @property
    def is_kept(self) -> bool:
        """Whether at least one file was kept."""
        return any(outcome.is_kept for outcome in self.files)


@dataclass(slots=True)
class Place:
    """A file of the request, or of an archive in it, and what became of it; `number` counts the request's own files."""

    number: int | None
    outcomes: list[FileOutcome] = field(default_factory=list)

    def refuse(self, parts: Parts, file: SpooledFile, error: OverreadError) -> None:
        """The file is not kept."""
        self.outcomes.append(rejected(file.name, error))
        parts.reject([Refused(error, file.bytes, file.path)])
