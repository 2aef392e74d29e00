"""One pipeline on local files without any service: read, then write everything that came out into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.core.entry import Entry
from pipelines.core.types import Reading
from pipelines.exporters.base import Source
from pipelines.exporters.registry import EXPORTERS
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.dicom import DicomHeader
from pipelines.imaging.subject import subject_from_files
from pipelines.pipeline import AnyPipeline, Progress, silent


@dataclass(frozen=True, slots=True)
class LocalReading:
    """A reading with the headers of the instances it was made from."""

    reading: Reading
    headers: tuple[DicomHeader, ...]


def read_files(
    paths: Sequence[Path], pipeline: AnyPipeline, entry: Entry, decoder: Decoder, progress: Progress = silent
) -> LocalReading:
    """Read the files as one subject; raises BadInput, DecoderDied, OutOfMemory, OSError."""
    with subject_from_files(paths, decoder, entry.subject) as local:
        return LocalReading(pipeline.run(local.subject, progress), local.headers)


def write_reading(local: LocalReading, entry: Entry, folder: Path, made: datetime) -> tuple[Path, ...]:
    """Write the result, its artifacts and its DICOM objects, dated `made`; gives the files in the order written."""
    folder.mkdir(parents=True, exist_ok=True)
    source = Source(local.headers, made)
    contents = [(artifact.name, artifact.content) for artifact in local.reading.artifacts]
    for name in entry.exporters:
        exports = EXPORTERS[name]().export(local.reading, source)
        contents.extend((export.name, export.content) for export in exports)
    for name, content in contents:
        (folder / name).write_bytes(content)
    return tuple(folder / name for name, _ in contents)
