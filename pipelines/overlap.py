"""Many subjects through one network: prepared in threads ahead of it, read in full batches, explained behind it.

A batch has one shape whatever fills it, so that an image's numbers never depend, not even in the last bit, on its
companions or on how many there are.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from queue import Empty, Full, Queue
from threading import Event
from typing import Final, Generic, TypeVar

from pipelines.core.errors import OverreadError
from pipelines.core.types import Reading, Subject

#: How long a batch that is not full waits for the next subject.
LINGER_SECONDS: Final = 0.02
#: How soon the feeding thread notices that nobody wants more.
STOP_SECONDS: Final = 0.05

#: So many batches of subjects are on their way at once: one in the network, one prepared, one being prepared.
AHEAD: Final = 3

Prepared = TypeVar("Prepared")
Inferred = TypeVar("Inferred")


@dataclass(frozen=True)
class Stages(Generic[Prepared, Inferred]):
    """What is done to a subject: `prepare` and `finish` in threads, `infer` in one place, `batch` images at once.

    `prepare` and `finish` may raise OverreadError, which is the subject's alone, and write down their seconds by step.
    """

    prepare: Callable[[Subject, dict[str, float]], Sequence[Prepared]]
    infer: Callable[[Sequence[Prepared]], Sequence[Inferred]]
    finish: Callable[[Sequence[Inferred], dict[str, float]], Reading]
    batch: int
    threads: int


@dataclass
class _Course(Generic[Prepared, Inferred]):
    """A subject on its way."""

    prepared: Future[Sequence[Prepared]]
    seconds: dict[str, float]
    awaited: int = 0
    inferred: list[Inferred] = field(default_factory=list)
    ended: Future[Reading] = field(default_factory=Future)


def overlapped(subjects: Iterable[Subject], stages: Stages[Prepared, Inferred]) -> Iterator[Reading | OverreadError]:
    """A reading or an error for each subject, in their order; holds AHEAD batches of subjects.

    Raises what `subjects` raises, and what a stage raises but OverreadError: then nobody knows whose fault it was.
    """
    fed: Queue[_Course[Prepared, Inferred] | None] = Queue()
    room, unwanted = Queue[None](maxsize=AHEAD * stages.batch), Event()
    threads = ThreadPoolExecutor(stages.threads, thread_name_prefix="prepare")
    feeder = ThreadPoolExecutor(1, thread_name_prefix="feed")
    try:
        feeding = feeder.submit(_feed, subjects, stages, threads, fed, room, unwanted)
        feeding.add_done_callback(lambda _: fed.put(None))
        yield from _Flow(stages, threads, fed, room).readings()
        feeding.result()
    finally:
        # Not waited for: the feeder may wait for a subject that will never come.
        unwanted.set()
        feeder.shutdown(wait=False)
        threads.shutdown(wait=False, cancel_futures=True)


def _feed(
    subjects: Iterable[Subject],
    stages: Stages[Prepared, Inferred],
    threads: ThreadPoolExecutor,
    fed: Queue[_Course[Prepared, Inferred] | None],
    room: Queue[None],
    unwanted: Event,
) -> None:
    """Begin to prepare each subject as soon as there is room for it."""
    for subject in subjects:
        while not unwanted.is_set():
            try:
                room.put(None, timeout=STOP_SECONDS)
                break
            except Full:
                continue
        if unwanted.is_set():
            return
        seconds: dict[str, float] = {}
        fed.put(_Course(threads.submit(stages.prepare, subject, seconds), seconds))


class _Flow(Generic[Prepared, Inferred]):
    """The one thread that fills batches and gives readings out in order."""

    def __init__(
        self,
        stages: Stages[Prepared, Inferred],
        threads: ThreadPoolExecutor,
        fed: Queue[_Course[Prepared, Inferred] | None],
        room: Queue[None],
    ) -> None:
        self._stages = stages
        self._threads = threads
        self._fed = fed
        self._room = room
        self._open: deque[_Course[Prepared, Inferred]] = deque()
        self._waiting: list[tuple[_Course[Prepared, Inferred], Prepared]] = []

    def readings(self) -> Iterator[Reading | OverreadError]:
        """Until the feeder has ended and all it fed is out."""
        while self._take():
            yield from self._ready()
        self._run(least=1)
        while self._open:
            yield self._end(self._open.popleft())

    def _take(self) -> bool:
        """Take what was fed next, or run a batch that waited for long enough; False where nothing more comes."""
        try:
            course = self._fed.get(timeout=LINGER_SECONDS if self._open else None)
        except Empty:
            self._run(least=1)
            return True
        if course is None:
            return False
        self._open.append(course)
        try:
            images = course.prepared.result()
        except OverreadError as error:
            course.ended.set_exception(error)
            return True
        course.awaited = len(images)
        self._waiting += [(course, image) for image in images]
        self._run(least=self._stages.batch)
        return True

    def _run(self, least: int) -> None:
        """The network on what waits, a batch at a time, while at least so many images wait."""
        while len(self._waiting) >= least and self._waiting:
            taken = self._waiting[: self._stages.batch]
            del self._waiting[: self._stages.batch]
            begin = time.perf_counter()
            answers = self._stages.infer([image for _, image in taken])
            share = (time.perf_counter() - begin) / len(taken)
            for (course, _), answer in zip(taken, answers, strict=True):
                course.seconds["infer"] = course.seconds.get("infer", 0.0) + share
                course.inferred.append(answer)
                if len(course.inferred) == course.awaited:
                    course.ended = self._threads.submit(self._stages.finish, course.inferred, course.seconds)

    def _ready(self) -> Iterator[Reading | OverreadError]:
        while self._open and self._open[0].ended.done():
            yield self._end(self._open.popleft())

    def _end(self, course: _Course[Prepared, Inferred]) -> Reading | OverreadError:
        self._room.get()
        try:
            return replace(course.ended.result(), seconds=course.seconds)
        except OverreadError as error:
            return error
