"""What a worker and its reading process say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.core.errors import OverreadError
from pipelines.core.types import Reading, Subject


@dataclass(frozen=True, slots=True)
class Request:
    """Which pipeline on which bundle is asked for; without a subject it is only loaded.

    `made` is the date that exported objects bear: the job's first claim, the same however often it runs.
    """

    pipeline: str
    folder: Path
    model_sha256: str
    made: datetime
    subject: Subject | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the pipeline begins; `fraction` of the whole is done, 0-1."""

    name: str
    fraction: float


#: What comes back: any number of steps, then a reading, an error, or None where a pipeline was only loaded.
Answer = Step | Reading | OverreadError | None
