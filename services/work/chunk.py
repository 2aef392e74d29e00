"""A chunk: jobs of a batch read one behind the other, several at once in the network, and saved together."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from pipelines.core.errors import OutOfMemory, OverreadError, Unavailable, WorkerStopping
from pipelines.core.types import BatchReading, Subject
from services.log import logger
from services.settings import Settings
from services.store import chunks
from services.store.entries import queues
from services.store.leases import Claim
from services.store.session import unit_of_work
from services.store.states import AttemptOutcome
from services.store.stores import Store
from services.work import derived
from services.work.chunk_heart import ChunkHeart
from services.work.chunk_save import Read, save
from services.work.endings import DISCARDED, end, of_disk, through_outages
from services.work.subject import Inputs, inputs_of, opened

log = logger("worker")
#: Jobs that one chunk claims before it lets others have the worker; memory holds a few batches of them at a time.
MOST_JOBS: Final = 512
#: Results saved in one transaction at most, and how long the first of them waits for the others.
SAVE_JOBS: Final = 32
SAVE_SECONDS: Final = 1.0
#: How often it looks whether a fresh study waits.
YIELD_SECONDS: Final = 0.25
#: How often it asks for more where there was less than it could take.
REFILL_SECONDS: Final = 0.5
#: How long it waits for an answer before it looks after everything else.
POLL_SECONDS: Final = 0.05


class ReadsChunk(Protocol):
    """A loaded pipeline that reads many subjects; `ahead` of them at hand keep it busy."""

    ahead: int

    def send(self, subject: Subject, made: datetime) -> None:
        """Have one more subject read; `made` is the date that exported objects bear."""

    def poll(self, seconds: float) -> BatchReading | OverreadError | None:
        """The next answer in order of sending, None where none came in time; raises what ended all of them at once."""

    def peak_memory_bytes(self) -> int | None:
        """The most memory the reading process was seen to hold, where that is known."""


#: Opens a chunk; what it is given is called while the pipeline loads, and may raise.
OpenChunk = Callable[[Callable[[], None]], AbstractContextManager[ReadsChunk]]


@dataclass
class _Begun:
    """A subject that was sent; its files are there until it was answered."""

    claim: Claim
    subject: Subject
    files: ExitStack


@dataclass
class Chunk:
    """The jobs a worker holds at once: claimed, sent to be read, and read but not saved."""

    store: Store
    settings: Settings
    first: Claim
    heart: ChunkHeart
    stopping: Callable[[], bool]
    claims: Sequence[Claim] = ()  # taken a moment ago, while their inputs are looked up
    waiting: deque[tuple[Claim, Inputs, datetime]] = field(default_factory=deque)
    begun: deque[_Begun] = field(default_factory=deque)
    read: list[Read] = field(default_factory=list)
    claimed: int = 1
    saved: int = 0
    is_open: bool = False
    is_closing: bool = False
    refill_at: float = 0.0
    looked: float = field(default_factory=time.monotonic)
    first_read: float = 0.0

    def run(self, pipeline: ReadsChunk) -> None:
        """Until nothing more can be had, or something else should have the worker."""
        self.is_open = True
        self._take([self.first])
        while self.waiting or self.begun:
            if self.stopping():
                raise WorkerStopping
            self._look()
            self._refill(pipeline.ahead)
            self._feed(pipeline)
            self._hear(pipeline)
            if len(self.read) >= SAVE_JOBS or (self.read and time.monotonic() - self.first_read > SAVE_SECONDS):
                self.save(pipeline.peak_memory_bytes())
        self.save(pipeline.peak_memory_bytes())

    def save(self, peak_memory_bytes: int | None) -> None:
        """Save what was read; what is lost by now is dropped."""
        read, self.read = self.read, []
        if read:
            self.saved += save(self.store, self.settings, read, peak_memory_bytes, self.stopping)
            self.heart.forget(one.claim for one in read)

    def give_back(self, error: OverreadError) -> None:
        """Everything that was not saved waits again, and nothing counts against it.

        What was being read when the process broke down waits to be read by itself: one of it may be to blame.
        """
        is_broken = not isinstance(error, WorkerStopping | Unavailable)
        begun = [one.claim for one in self.begun] + [one.claim for one in self.read]
        outcome = AttemptOutcome.DIED if is_broken else AttemptOutcome.STOPPED
        self._give_back(begun, outcome, error, single=is_broken)
        self._give_back([*self.claims, *(claim for claim, _, _ in self.waiting)], AttemptOutcome.STOPPED)

    def close(self) -> None:
        """Let go of the files."""
        for one in self.begun:
            one.files.close()

    def _give_back(
        self,
        claims: Sequence[Claim],
        outcome: AttemptOutcome,
        error: OverreadError | None = None,
        *,
        single: bool = False,
    ) -> None:
        """Those whose claim was lost meanwhile are left as they are."""

        def write() -> None:
            with unit_of_work(self.store.database) as session:
                chunks.put_back(session, claims, outcome, error, single=single)

        if claims:
            through_outages(write, self.stopping)
            self.heart.forget(claims)

    def _look(self) -> None:
        """Give back what is not begun where a fresh study waits for the worker."""
        if self.is_closing or time.monotonic() - self.looked < YIELD_SECONDS:
            return
        self.looked = time.monotonic()
        with unit_of_work(self.store.database, writing=False) as session:
            self.is_closing = chunks.urgent_is_due(session, _served(self.settings))
        if self.is_closing:
            self._give_back([claim for claim, _, _ in self.waiting], AttemptOutcome.STOPPED)
            self.waiting.clear()

    def _refill(self, ahead: int) -> None:
        if self.is_closing or len(self.waiting) >= ahead or time.monotonic() < self.refill_at:
            return
        room = min(max(SAVE_JOBS, ahead), MOST_JOBS - self.claimed)
        if room <= 0:
            return
        with unit_of_work(self.store.database) as session:
            more = chunks.claim_more(session, self.first, room, self.settings.lease_seconds)
        if len(more) < room:  # each question is a write: not again at once
            self.refill_at = time.monotonic() + REFILL_SECONDS
        self.claimed += len(more)
        if more:
            self._take(more)

    def _take(self, claims: Sequence[Claim]) -> None:
        self.claims = claims
        self.heart.keep(claims)
        inputs = inputs_of(self.store, claims)
        with unit_of_work(self.store.database, writing=False) as session:
            made = chunks.first_claimed(session, claims)
        self.waiting += [(claim, inputs[claim.job_id], made[claim.job_id]) for claim in claims]
        self.claims = ()

    def _feed(self, pipeline: ReadsChunk) -> None:
        while self.waiting and len(self.begun) < pipeline.ahead:
            claim, inputs, made = self.waiting.popleft()
            if self.heart.has_lost(claim):
                continue
            files = ExitStack()
            try:
                subject = files.enter_context(opened(self.store, inputs))
            except OverreadError as error:
                self._end(claim, error)
                continue
            except OSError as error:
                self._end(claim, of_disk(error))
                continue
            self.begun.append(_Begun(claim, subject, files))
            pipeline.send(subject, made)

    def _hear(self, pipeline: ReadsChunk) -> None:
        """Take the answers that are there; wait for the first one only."""
        answer = pipeline.poll(POLL_SECONDS) if self.begun else None
        while answer is not None:
            one = self.begun.popleft()
            one.files.close()
            if self.heart.has_lost(one.claim):
                log.info("job.ended", job=one.claim.job_id, fence=one.claim.fence, state=DISCARDED)
            elif isinstance(answer, OverreadError):
                self._end(one.claim, answer)
            else:
                self._keep(one, answer)
            answer = pipeline.poll(0.0) if self.begun else None

    def _end(self, claim: Claim, error: OverreadError) -> None:
        state = end(self.store, self.settings, claim, error, self.stopping)
        self.heart.forget([claim])
        log.info("job.ended", job=claim.job_id, fence=claim.fence, state=state)

    def _keep(self, one: _Begun, answer: BatchReading) -> None:
        try:
            derived.check(answer.reading, one.subject)
        except OverreadError as error:
            self._end(one.claim, error)
            return
        self.first_read = self.first_read if self.read else time.monotonic()
        self.read.append(Read(one.claim, answer.reading, answer.maps))


def run_chunk(
    store: Store, settings: Settings, first: Claim, open_chunk: OpenChunk, stopping: Callable[[], bool]
) -> None:
    """Read `first` and what can be read with it; however it goes, each job's row says so.

    Raises DatabaseUnavailable where the worker is asked to stop while the database is away.
    """
    begin = time.monotonic()

    def watch() -> None:
        if stopping():
            raise WorkerStopping

    with ChunkHeart(store, settings) as heart:
        chunk = Chunk(store, settings, first, heart, stopping)
        heart.keep([first])
        try:
            with open_chunk(watch) as pipeline:
                chunk.run(pipeline)
        except OverreadError as error:
            _end(chunk, error)
        except MemoryError:
            _end(chunk, OutOfMemory())
        finally:
            chunk.close()
    seconds = round(time.monotonic() - begin, 3)
    log.info("chunk.ended", batch=first.batch_id, claimed=chunk.claimed, saved=chunk.saved, seconds=seconds)


def _end(chunk: Chunk, error: OverreadError) -> None:
    """Save what was read before; the rest waits again. A pipeline that did not even load ends the job itself."""
    if not chunk.is_open:
        end(chunk.store, chunk.settings, chunk.first, error, chunk.stopping)
        return
    chunk.save(None)
    chunk.give_back(error)


def _served(settings: Settings) -> list[str]:
    """The queues that the worker of these settings serves."""
    named = [queue.strip() for queue in settings.worker_queues.split(",") if queue.strip()]
    return named or queues()
