"""How a claim ends when it ends without a result: which error counts against the job, and what becomes of it."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import Final, TypeVar

from pipelines.core.errors import (
    DatabaseUnavailable,
    JobTimeout,
    LeaseLost,
    OutOfMemory,
    OverreadError,
    ReaderCrashed,
    ReaderDied,
    SoftTimeout,
    StorageFull,
    Unavailable,
    WorkerStopping,
)
from services.settings import Settings
from services.store import attempts
from services.store.leases import Claim
from services.store.session import unit_of_work
from services.store.states import AttemptOutcome, JobState
from services.store.stores import Store
from services.work.devices import last_step

T = TypeVar("T")
#: Between two tries to write while the database is away.
DATABASE_PAUSE_SECONDS: Final = 0.5
#: A job that took too long may have met a busy machine once, hardly twice.
TIMEOUT_ATTEMPTS: Final = 2
#: errno(3): no space left, quota exceeded, file system read-only (what a failing disk becomes).
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
#: What a claim that somebody else ended meanwhile is called in the log.
DISCARDED: Final = "discarded"


def end(store: Store, settings: Settings, claim: Claim, error: OverreadError, stopping: Callable[[], bool]) -> str:
    """Write how the claim ended, through any outage of the database; raises DatabaseUnavailable where asked to stop."""
    try:
        return through_outages(lambda: _write_end(store, settings, claim, error), stopping)
    except LeaseLost:
        return DISCARDED


def through_outages(write: Callable[[], T], stopping: Callable[[], bool]) -> T:
    """Write as soon as the database answers; raises DatabaseUnavailable only where the worker is asked to stop.

    However long it takes: the work is done, and the guard of the write finds out whether the claim still stands.
    """
    while True:
        try:
            return write()
        except DatabaseUnavailable:
            if stopping():
                raise
            time.sleep(DATABASE_PAUSE_SECONDS)


def of_disk(error: OSError) -> OverreadError:
    """What a failure of the worker's own disk means for the job: it waits, it is not at fault."""
    if error.errno in NO_ROOM:
        return StorageFull()
    return Unavailable(f"the worker's disk failed ({type(error).__name__})", code="worker_disk")


def _write_end(store: Store, settings: Settings, claim: Claim, error: OverreadError) -> JobState:
    with unit_of_work(store.database) as session:
        match error:
            case WorkerStopping():
                return attempts.give_back(session, claim)
            case ReaderCrashed() if error.code == OutOfMemory.code:
                peak = error.peak_memory_bytes
                return attempts.run_out_of_memory(session, claim, error, last_step(settings), error.signal, peak)
            case ReaderCrashed():
                return attempts.die_of_itself(session, claim, error, error.signal, error.peak_memory_bytes)
            case OutOfMemory() if error.code == OutOfMemory.code:
                return attempts.run_out_of_memory(session, claim, error, last_step(settings))
            case ReaderDied():
                return attempts.die_of_unknown(session, claim, AttemptOutcome.DIED, error, error.signal)
            case DatabaseUnavailable() | StorageFull():
                return attempts.wait_out(session, claim, error)
            case SoftTimeout() | JobTimeout():
                return attempts.retry_later(session, claim, error, min(TIMEOUT_ATTEMPTS, settings.max_attempts))
            case _ if error.retry:
                return attempts.retry_later(session, claim, error, settings.max_attempts)
            case _:
                # Also a volume that was refused before it was begun: no process died, and no step down would help.
                return attempts.fail(session, claim, error)
