"""Run one job: claim it, read its subject with no transaction open, save the result or say how it ended."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

from pipelines.core.errors import (
    DatabaseUnavailable,
    LeaseLost,
    NotFound,
    OutOfMemory,
    OverreadError,
    ReaderCrashed,
    ReaderDied,
    Unavailable,
    UnknownModel,
    WorkerStopping,
)
from pipelines.core.types import Reading, Subject
from pipelines.exporters.json import reading_json
from services.broker import Bell
from services.log import logger
from services.settings import Settings
from services.store import attempts, jobs, results
from services.store.jobs import Claim
from services.store.results import StoredArtifact
from services.store.session import unit_of_work
from services.store.states import AttemptOutcome, JobState
from services.store.stores import Store
from services.store.tables import ModelVersion
from services.work import derived
from services.work.heartbeat import Heartbeat
from services.work.subject import materialised

log = logger("worker")
T = TypeVar("T")
#: Pause between two tries to write how a job ended while the database is away.
DATABASE_PAUSE_SECONDS: Final = 0.5


class RunsSubject(Protocol):
    """A loaded pipeline as a worker sees it; it may live in another process."""

    def run(self, subject: Subject, progress: Callable[[str, float], None]) -> Reading:
        """Read one subject. `progress` is called often and may raise: then the reading is given up."""

    def peak_memory_bytes(self) -> int | None:
        """The most memory the reading process was seen to hold, where that is known."""


#: Gives the loaded pipeline of a job; for a job that must run alone one in a fresh process.
LoadPipeline = Callable[[Claim, ModelVersion], RunsSubject]


def never() -> bool:
    """A worker that nobody asks to stop."""
    return False


def run_one(
    store: Store,
    bell: Bell,
    settings: Settings,
    queue: str,
    worker: str,
    load_pipeline: LoadPipeline,
    stopping: Callable[[], bool] = never,
) -> bool:
    """Run the next due job of a queue; False where none is due. Raises DatabaseUnavailable.

    However the job ends, the row says so; the queue is rung again, so that one ring drains it.
    """
    with unit_of_work(store.database) as session:
        claim = jobs.claim_next(session, queue, worker, settings.lease_seconds, settings.priority_ageing_seconds)
    if claim is None:
        return False
    begin = time.monotonic()
    try:
        with Heartbeat(store, claim, settings, stopping) as heart:
            saved = _read_and_save(store, settings, claim, load_pipeline, heart)
        state: str = JobState.SUCCEEDED
        _take_in_series(store, bell, saved)
    except LeaseLost:
        state = "discarded"
    except OverreadError as error:
        state = _end(store, settings, claim, error)
    except MemoryError:
        state = _end(store, settings, claim, OutOfMemory())
    log.info("job.ended", job=claim.job_id, fence=claim.fence, state=state, seconds=round(time.monotonic() - begin, 3))
    bell.ring(queue)
    return True


def _read_and_save(
    store: Store, settings: Settings, claim: Claim, load_pipeline: LoadPipeline, heart: Heartbeat
) -> str:
    """The id of the result."""
    model = _model(store, claim)
    pipeline = load_pipeline(claim, model)
    with materialised(store, claim) as subject:
        reading = pipeline.run(subject, heart.progress)
        derived.check(reading, subject)
    with tempfile.TemporaryDirectory(dir=_scratch(settings)) as folder:
        artifacts = _publish(store, reading, Path(folder))
    document = reading_json(reading)
    peak = pipeline.peak_memory_bytes()
    return _persist(settings, lambda: _save(store, claim, reading, document, artifacts, peak))


def _take_in_series(store: Store, bell: Bell, result_id: str) -> None:
    """What the pipeline made becomes part of the study; left to the sweep where the database is away now."""
    try:
        derived.take_in(store, bell, result_id)
    except (Unavailable, NotFound) as error:
        log.warning("series.left_to_sweep", result=result_id, code=error.code)


def _end(store: Store, settings: Settings, claim: Claim, error: OverreadError) -> str:
    """Write how the claim ended; a claim that is gone meanwhile has been ended by somebody else."""
    try:
        return _persist(settings, lambda: _write_end(store, settings, claim, error))
    except LeaseLost:
        return "discarded"


def _write_end(store: Store, settings: Settings, claim: Claim, error: OverreadError) -> JobState:
    with unit_of_work(store.database) as session:
        match error:
            case WorkerStopping():
                return attempts.give_back(session, claim)
            case ReaderCrashed():
                return attempts.die_of_itself(session, claim, error, error.signal, error.peak_memory_bytes)
            case OutOfMemory():
                return attempts.die_of_itself(session, claim, error, None, None)
            case ReaderDied():
                return attempts.die_of_unknown(session, claim, AttemptOutcome.DIED, error, error.signal)
            case _ if error.retry:
                return attempts.retry_later(session, claim, error, settings.max_attempts)
            case _:
                return attempts.fail(session, claim, error)


def _persist(settings: Settings, write: Callable[[], T]) -> T:
    """Write through a short outage of the database: for as long as the lease may still hold."""
    deadline = time.monotonic() + settings.lease_seconds
    while True:
        try:
            return write()
        except DatabaseUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(DATABASE_PAUSE_SECONDS)


def _model(store: Store, claim: Claim) -> ModelVersion:
    with unit_of_work(store.database, writing=False) as session:
        model = session.get(ModelVersion, claim.model_version_id) if claim.model_version_id else None
    if model is None:
        raise UnknownModel("the model this job was made for is not registered")
    return model


def _scratch(settings: Settings) -> Path:
    settings.spool_dir.mkdir(parents=True, exist_ok=True)
    return settings.spool_dir


def _publish(store: Store, reading: Reading, folder: Path) -> list[StoredArtifact]:
    """Make the artifacts' bytes durable, all in one round of syncing the disk, before any row speaks of them."""
    files = []
    for number, artifact in enumerate(reading.artifacts):
        path = folder / str(number)
        path.write_bytes(artifact.content)
        files.append((path, hashlib.sha256(artifact.content).hexdigest(), artifact.media_type))
    return [
        StoredArtifact(artifact.name, artifact.kind, blob)
        for artifact, blob in zip(reading.artifacts, store.blobs.publish_many(files), strict=True)
    ]


def _save(
    store: Store,
    claim: Claim,
    reading: Reading,
    document: dict[str, object],
    artifacts: list[StoredArtifact],
    peak_memory_bytes: int | None,
) -> str:
    with unit_of_work(store.database) as session:
        return results.save_result(session, store.blobs, claim, reading, document, artifacts, peak_memory_bytes)
