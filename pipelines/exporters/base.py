"""What every exporter is: a reading and the headers it was made from in, files of one format out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.core.types import Reading
from pipelines.imaging.dicom import DicomHeader


@dataclass(frozen=True, slots=True)
class Source:
    """What an exported object takes over: the headers of the images that were read, and when the job was first claimed.

    `made` is the date and time that derived objects bear; with equal arguments an export gives equal bytes.
    `verified_by` is the reader who signed, family^given; None before that.
    """

    headers: Sequence[DicomHeader]
    made: datetime
    verified_by: str | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """One exported file; `name` has no slash."""

    name: str
    media_type: str
    content: bytes


class Exporter(ABC):
    """One result format; `name` is its key in the registry, `kind` that of the artifacts its files become."""

    name: str
    kind: str

    def __init_subclass__(cls) -> None:
        """A format that states no kind of its own gives artifacts of its name."""
        super().__init_subclass__()
        if "kind" not in vars(cls):
            cls.kind = cls.name

    @abstractmethod
    def export(self, reading: Reading, source: Source) -> tuple[Export, ...]:
        """The reading in this format, possibly in several files; empty where the reading has nothing for it."""
