"""What every pipeline is: five steps from files to a reading, each of them timed."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Final, Generic, TypeVar

from pipelines.core.closing import Closing
from pipelines.core.errors import OverreadError
from pipelines.core.types import Reading, Subject

#: Told the step that begins and the share of the whole that is done, 0-1.
Progress = Callable[[str, float], None]

STEPS: Final = ("load", "preprocess", "infer", "explain", "postprocess")

Loaded = TypeVar("Loaded")
Prepared = TypeVar("Prepared")
Inferred = TypeVar("Inferred")
Explained = TypeVar("Explained")


def silent(_step: str, _fraction: float) -> None:
    """Progress that nobody watches."""


class Pipeline(Closing, Generic[Loaded, Prepared, Inferred, Explained]):
    """Files in, a reading out; holds a loaded model, serves many subjects one after another, and is closed."""

    #: Whether `run_batch` gives maps without the pictures that `run` draws of them: those are drawn for who looks.
    draws_on_demand: ClassVar[bool] = False

    @property
    def ahead(self) -> int:
        """How many subjects `run_batch` needs at hand so that it never waits for one: one is read, and one is next."""
        return 2

    @abstractmethod
    def load(self, subject: Subject) -> Loaded:
        """Read the subject's files into arrays; raises BadInput where they cannot be used."""

    @abstractmethod
    def preprocess(self, loaded: Loaded) -> Prepared:
        """Bring the arrays into the form that the model was trained on."""

    @abstractmethod
    def infer(self, prepared: Prepared) -> Inferred:
        """Run the model."""

    @abstractmethod
    def explain(self, inferred: Inferred) -> Explained:
        """Show what the answer rests on."""

    @abstractmethod
    def postprocess(self, explained: Explained) -> Reading:
        """Turn numbers into findings; the reading's seconds are filled in by `run`."""

    def run(self, subject: Subject, progress: Progress = silent) -> Reading:
        """Read one subject; raises BadInput, DecoderDied, OutOfMemory or ModelError."""
        seconds: dict[str, float] = {}
        with timed("load", seconds, progress):
            loaded = self.load(subject)
        with timed("preprocess", seconds, progress):
            prepared = self.preprocess(loaded)
        with timed("infer", seconds, progress):
            inferred = self.infer(prepared)
        with timed("explain", seconds, progress):
            explained = self.explain(inferred)
        with timed("postprocess", seconds, progress):
            reading = self.postprocess(explained)
        progress("done", 1.0)
        return replace(reading, seconds=seconds)

    def run_batch(self, subjects: Iterable[Subject], progress: Progress = silent) -> Iterator[Reading | OverreadError]:
        """Read many subjects: for each, in order, its reading or the error that `run` would have raised for it.

        Takes the next subject when it can begin it, and holds no more than a few: however long the row, memory stays
        the same. `progress` hears the steps of each.
        """
        for subject in subjects:
            try:
                yield self.run(subject, progress)
            except OverreadError as error:
                yield error


#: A pipeline whose intermediate values are nobody's business; Any, since only the pipeline itself may know them.
AnyPipeline = Pipeline[Any, Any, Any, Any]


@contextmanager
def timed(step: str, seconds: dict[str, float], progress: Progress) -> Iterator[None]:
    """Say that a step begins and write down how long it took."""
    progress(step, STEPS.index(step) / len(STEPS))
    begin = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - begin
