"""The worker's side of a chunk: subjects sent ahead to the reading process, answers as they come."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final

from pipelines.core.errors import OverreadError
from pipelines.core.types import BatchReading, Subject
from services.worker.messages import Broken, ChunkAnswer, ChunkRequest, Closed, NextSubject, Opened, Request, Step

if TYPE_CHECKING:
    from services.worker.reader import Reader

#: How soon a worker that should stop is noticed while the pipeline loads.
TICK_SECONDS: Final = 0.1


@dataclass
class RemoteChunk:
    """A pipeline that reads a chunk in the reading process; `ahead` subjects there keep it busy."""

    reader: Reader
    connection: Connection
    seconds: float
    ahead: int = 1
    deadline: float = 0.0

    def send(self, subject: Subject, made: datetime) -> None:
        """Have one more subject read."""
        self.connection.send(NextSubject(subject, made))

    def poll(self, seconds: float) -> BatchReading | OverreadError | None:
        """The next answer, in the order of what was sent; None where none comes in so many seconds.

        Raises what ended the whole chunk: any error then is nobody's in particular.
        """
        until = time.monotonic() + seconds
        while self.connection.poll(max(0.0, until - time.monotonic())):
            match self._received():
                case BatchReading() | OverreadError() as answer:
                    self.reader.count(1)
                    return answer
                case _:
                    continue
        self.reader.check(self.deadline)
        return None

    def open(self, watch: Callable[[], None]) -> None:
        """Wait until the pipeline is loaded; `watch` may raise meanwhile."""
        while True:
            if self.connection.poll(TICK_SECONDS):
                answer = self._received()
                if isinstance(answer, Opened):
                    self.ahead = answer.ahead
                    return
            watch()
            self.reader.check(self.deadline)

    def close(self) -> None:
        """Say that there are no more subjects; every one that was sent has been answered."""
        self.connection.send(None)
        while not isinstance(self._received(), Closed):
            pass

    def peak_memory_bytes(self) -> int | None:
        """The most memory that the reading process ever held."""
        return self.reader.peak_memory_bytes()

    def _received(self) -> ChunkAnswer:
        answer: ChunkAnswer = self.connection.recv()
        if isinstance(answer, Broken):
            raise answer.error
        if not isinstance(answer, Step):
            self.deadline = time.monotonic() + self.seconds
        return answer


@contextmanager
def remote_chunk(reader: Reader, request: Request, watch: Callable[[], None]) -> Iterator[RemoteChunk]:
    """A chunk in the reading process for the time of the block; whatever goes wrong in it ends that process.

    As many seconds without any answer as a single job may take are too long. Raises ReaderDied where the process ended,
    and what `watch` raises.
    """
    seconds = request.hard_seconds or math.inf
    with reader.conversation(request) as connection:
        connection.send(ChunkRequest(request))
        chunk = RemoteChunk(reader, connection, seconds, deadline=time.monotonic() + seconds)
        chunk.open(watch)
        yield chunk
        chunk.close()
    if reader.is_worn():
        reader.end()
