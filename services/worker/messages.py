"""What a worker and its reading process say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.core.entry import Entry
from pipelines.core.errors import OverreadError
from pipelines.core.types import BatchReading, Reading, Subject
from pipelines.registry import entry


@dataclass(frozen=True, slots=True)
class Request:
    """Which pipeline on which bundle is asked for; without a subject it is only loaded.

    `made` is the date that exported objects bear: the job's first claim, the same however often it runs. `bundle` is
    the entry of a bundle that was registered at run time; a pipeline of the release is known by its name. `memory_step`
    is how far down the memory ladder it is read. `soft_seconds` after it began the pipeline is asked to stop,
    `hard_seconds` after it its process is ended; None: never.
    """

    pipeline: str
    folder: Path
    model_sha256: str
    made: datetime
    subject: Subject | None = None
    bundle: Entry | None = None
    memory_step: int = 0
    soft_seconds: float | None = None
    hard_seconds: float | None = None

    @property
    def entry(self) -> Entry:
        """The pipeline that is asked for; raises NotFound."""
        return self.bundle or entry(self.pipeline)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the pipeline begins; `fraction` of the whole is done, 0-1."""

    name: str
    fraction: float


#: What comes back: any number of steps, then a reading, an error, or None where a pipeline was only loaded.
Answer = Step | Reading | OverreadError | None


@dataclass(frozen=True, slots=True)
class ChunkRequest:
    """Many subjects are to come, one by one, for one pipeline; `request` has none itself."""

    request: Request


@dataclass(frozen=True, slots=True)
class NextSubject:
    """One of them; `made` as in Request."""

    subject: Subject
    made: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """The pipeline is loaded; with `ahead` subjects at hand it never waits for the next one."""

    ahead: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The chunk ends here, and nobody knows whose fault it was."""

    error: OverreadError


@dataclass(frozen=True, slots=True)
class Closed:
    """Every subject of the chunk was answered."""


#: After a ChunkRequest: `Opened`, then an answer a subject in their order, then `Closed`, or `Broken` at any time.
ChunkAnswer = Opened | BatchReading | OverreadError | Step | Broken | Closed
