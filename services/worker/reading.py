"""The reading process: loads pipelines and runs them, one subject at a time, as its worker asks.

It speaks pickled values over a socket that it inherited from the worker that started it and that nobody else holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Protocol

from pipelines.core.entry import Entry
from pipelines.core.errors import OutOfMemory, OverreadError
from pipelines.core.types import Artifact, Reading, Subject
from pipelines.exporters.base import Source
from pipelines.exporters.json import JsonExporter
from pipelines.exporters.registry import EXPORTERS
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.dicom import DicomHeader
from pipelines.imaging.foreign import header_of_instance
from pipelines.pipeline import AnyPipeline
from pipelines.registry import resolve
from services.log import logger
from services.settings import Settings
from services.worker.messages import Answer, Request, Step

log = logger("reader")
#: The step after a pipeline's own: its result in the formats that leave the house.
EXPORT: Final = "export"


class Resolve(Protocol):
    """Builds a pipeline as registry.resolve does."""

    def __call__(self, entry: Entry, folder: Path, decoder: Decoder, /, *, memory_bytes: int | None) -> AnyPipeline:
        """The entry's pipeline on the bundle in `folder`."""
        ...


@dataclass
class Shelf:
    """The loaded pipelines, at most one model of each."""

    settings: Settings
    resolve: Resolve = resolve
    loaded: dict[str, tuple[str, AnyPipeline]] = field(default_factory=dict)

    def take(self, request: Request) -> AnyPipeline:
        """The request's pipeline on its model, loaded on first use; a newer model replaces the older."""
        digest, pipeline = self.loaded.get(request.pipeline, ("", None))
        if pipeline is not None and digest == request.model_sha256:
            return pipeline
        if pipeline is not None:
            del self.loaded[request.pipeline]
            pipeline.close()
        decoder = self._decoder()
        memory_bytes = self.settings.worker_memory_bytes
        fresh = self.resolve(request.entry, request.folder, decoder, memory_bytes=memory_bytes)
        self.loaded[request.pipeline] = (request.model_sha256, fresh)
        return fresh

    def headers(self, subject: Subject) -> list[DicomHeader]:
        """The header of every instance, in their order; a child is started only for files that are no DICOM."""
        with self._decoder() as decoder:
            return [header_of_instance(instance, decoder) for instance in subject.instances]

    def _decoder(self) -> Decoder:
        return Decoder(self.settings.decoder_memory_bytes, self.settings.decoder_timeout_seconds)

    def close(self) -> None:
        """Close all pipelines."""
        for _, pipeline in self.loaded.values():
            pipeline.close()


def serve(connection: Connection, shelf: Shelf) -> None:
    """Answer requests until the worker closes its end."""
    while True:
        try:
            request = connection.recv()
        except EOFError:
            shelf.close()
            return
        connection.send(_answer(shelf, request, connection))


def _answer(shelf: Shelf, request: Request, connection: Connection) -> Answer:
    try:
        pipeline = shelf.take(request)
        if request.subject is None:
            return None
        reading = pipeline.run(request.subject, lambda step, fraction: connection.send(Step(step, fraction)))
        connection.send(Step(EXPORT, 1.0))
        return replace(reading, artifacts=(*reading.artifacts, *_exports(shelf, reading, request.subject, request)))
    except OverreadError as error:
        return error
    except MemoryError:
        return OutOfMemory()
    except Exception as error:
        # A defect of one pipeline must end as that job's failure. Its message may quote the input and stays here.
        log.exception("reader.defect", pipeline=request.pipeline)
        return OverreadError(f"the pipeline failed unexpectedly ({type(error).__name__})")


def _exports(shelf: Shelf, reading: Reading, subject: Subject, request: Request) -> Iterator[Artifact]:
    """The reading in every format its pipeline names; the stored document is the JSON one already."""
    source = Source(shelf.headers(subject), request.made)
    for name in request.entry.exporters:
        if name != JsonExporter.name:
            for export in EXPORTERS[name]().export(reading, source):
                yield Artifact(export.name, EXPORTERS[name].kind, export.media_type, export.content)
