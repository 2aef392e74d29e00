"""The reading process: loads pipelines and runs them, one subject at a time, as its worker asks.

It speaks pickled values over a socket that it inherited from the worker that started it and that nobody else holds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from pipelines.core.errors import OutOfMemory, OverreadError
from pipelines.core.types import Reading, Subject
from pipelines.pipeline import AnyPipeline
from pipelines.registry import entry, resolve
from services.log import configure, logger

log = logger("reader")


@dataclass(frozen=True, slots=True)
class Request:
    """Which pipeline on which bundle is asked for; without a subject it is only loaded."""

    pipeline: str
    folder: Path
    model_sha256: str
    subject: Subject | None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the pipeline begins; `fraction` of the whole is done, 0-1."""

    name: str
    fraction: float


#: What comes back: any number of steps, then a reading, an error, or None where a pipeline was only loaded.
Answer = Step | Reading | OverreadError | None


@dataclass
class Shelf:
    """The loaded pipelines, at most one model of each."""

    loaded: dict[str, tuple[str, AnyPipeline]] = field(default_factory=dict)

    def take(self, request: Request) -> AnyPipeline:
        """The request's pipeline on its model, loaded on first use; a newer model replaces the older."""
        digest, pipeline = self.loaded.get(request.pipeline, ("", None))
        if pipeline is not None and digest == request.model_sha256:
            return pipeline
        if pipeline is not None:
            del self.loaded[request.pipeline]
            pipeline.close()
        fresh = resolve(entry(request.pipeline), request.folder)
        self.loaded[request.pipeline] = (request.model_sha256, fresh)
        return fresh

    def close(self) -> None:
        """Close all pipelines."""
        for _, pipeline in self.loaded.values():
            pipeline.close()


def serve(connection: Connection) -> None:
    """Answer requests until the worker closes its end."""
    shelf = Shelf()
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
        return pipeline.run(request.subject, lambda step, fraction: connection.send(Step(step, fraction)))
    except OverreadError as error:
        return error
    except MemoryError:
        return OutOfMemory()
    except Exception as error:
        # A defect of one pipeline must end as that job's failure. Its message may quote the input and stays here.
        log.exception("reader.defect", pipeline=request.pipeline)
        return OverreadError(f"the pipeline failed unexpectedly ({type(error).__name__})")


if __name__ == "__main__":
    configure()
    serve(Connection(int(sys.argv[1])))
