"""The reading process: loads pipelines and runs them, one subject at a time, as its worker asks.

It speaks pickled values over a socket that it inherited from the worker that started it and that nobody else holds.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Protocol

from pipelines.core.entry import Entry
from pipelines.core.errors import OutOfMemory, OverreadError, SoftTimeout
from pipelines.core.types import Artifact, BatchReading, Reading, Subject
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
from services.store.states import MemoryStep
from services.worker.messages import Answer, Broken, ChunkRequest, Closed, NextSubject, Opened, Request, Step

log = logger("reader")
#: The step after a pipeline's own: its result in the formats that leave the house.
EXPORT: Final = "export"
#: Of the memory there is, what a job is given on the step MemoryStep.LESS.
LESS: Final = 0.5


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
        memory_bytes = self._memory_bytes(request.memory_step)
        fresh = self.resolve(request.entry, request.folder, decoder, memory_bytes=memory_bytes)
        self.loaded[request.pipeline] = (request.model_sha256, fresh)
        return fresh

    def _memory_bytes(self, step: int) -> int:
        """What the process may hold on a step of the memory ladder, and no more of a GPU than that share."""
        if step != MemoryStep.LESS:
            return self.settings.worker_memory_bytes
        from pipelines.nets.ladder import keep_within  # with torch, which a pipeline may do without

        keep_within(LESS)
        return int(self.settings.worker_memory_bytes * LESS)

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
            if isinstance(request, ChunkRequest):
                serve_chunk(shelf, request.request, connection)
                continue
        except EOFError:
            shelf.close()
            return
        connection.send(_answer(shelf, request, connection))


def _answer(shelf: Shelf, request: Request, connection: Connection) -> Answer:
    try:
        pipeline = shelf.take(request)
        if request.subject is None:
            return None
        reading = noted(pipeline.run(request.subject, telling(connection, request.soft_seconds)), request)
        connection.send(Step(EXPORT, 1.0))
        return replace(reading, artifacts=(*reading.artifacts, *exports(shelf, reading, request.subject, request)))
    except OverreadError as error:
        return error
    except MemoryError:
        return OutOfMemory()
    except Exception as error:
        # A defect of one pipeline must end as that job's failure. Its message may quote the input and stays here.
        log.exception("reader.defect", pipeline=request.pipeline)
        return defect(error)


def telling(connection: Connection, soft_seconds: float | None) -> Callable[[str, float], None]:
    """What a pipeline reports its steps to: the worker hears of them, and raises SoftTimeout once it took too long."""
    deadline = time.monotonic() + (soft_seconds or math.inf)

    def tell(step: str, fraction: float) -> None:
        connection.send(Step(step, fraction))
        if time.monotonic() > deadline:
            raise SoftTimeout(step=step)

    return tell


def noted(reading: Reading, request: Request) -> Reading:
    """The reading with the step of the memory ladder in its receipt."""
    return replace(reading, receipt=replace(reading.receipt, memory_step=request.memory_step))


def defect(error: Exception) -> OverreadError:
    """How a job ends whose pipeline raised what none should: for lack of memory, or by a mistake in the program."""
    from pipelines.nets.ladder import out_of_memory  # with torch, which a pipeline may do without

    return out_of_memory(error) or OverreadError(f"the pipeline failed unexpectedly ({type(error).__name__})")


def exports(shelf: Shelf, reading: Reading, subject: Subject, request: Request) -> Iterator[Artifact]:
    """The reading in every format its pipeline names; the stored document is the JSON one already."""
    source = Source(shelf.headers(subject), request.made)
    for name in request.entry.exporters:
        if name != JsonExporter.name:
            for export in EXPORTERS[name]().export(reading, source):
                yield Artifact(export.name, EXPORTERS[name].kind, export.media_type, export.content)


def serve_chunk(shelf: Shelf, request: Request, connection: Connection) -> None:
    """Answer subject after subject until the worker says that there are no more; raises EOFError where it is gone."""
    row = _Row(connection)
    try:
        pipeline = shelf.take(request)
        connection.send(Opened(pipeline.ahead))
        for answer in pipeline.run_batch(row.subjects(), lambda step, fraction: connection.send(Step(step, fraction))):
            asked = row.asked.popleft()
            connection.send(
                answer if isinstance(answer, OverreadError) else _kept(shelf, pipeline, answer, asked, request)
            )
    except EOFError:
        raise
    except OverreadError as error:
        connection.send(Broken(error))
    except MemoryError:
        connection.send(Broken(OutOfMemory()))
    except Exception as error:
        # As in _answer; but several subjects were on their way.
        log.exception("reader.defect", pipeline=request.pipeline)
        connection.send(Broken(defect(error)))
    else:
        connection.send(Closed())


@dataclass
class _Row:
    """The subjects as they come over the socket, in their order."""

    connection: Connection
    asked: deque[NextSubject] = field(default_factory=deque)

    def subjects(self) -> Iterator[Subject]:
        while True:
            asked: NextSubject | None = self.connection.recv()
            if asked is None:
                return
            self.asked.append(asked)
            yield asked.subject


def _kept(shelf: Shelf, pipeline: AnyPipeline, reading: Reading, asked: NextSubject, request: Request) -> BatchReading:
    """What a batch keeps: all files of a pipeline that makes them for their own sake, else the maps alone."""
    if not pipeline.draws_on_demand:
        made = exports(shelf, reading, asked.subject, replace(request, made=asked.made))
        return BatchReading(replace(reading, artifacts=(*reading.artifacts, *made)), {})
    maps = {artifact.name: artifact.content for artifact in reading.artifacts}
    return BatchReading(replace(reading, artifacts=()), maps)
