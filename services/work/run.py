"""Run one job: claim it, read its subject with no transaction open, save the result or say how it ended."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from pipelines.core.errors import LeaseLost, NotFound, OutOfMemory, OverreadError, Unavailable, UnknownModel
from pipelines.core.types import Reading, Subject
from pipelines.exporters.json import reading_json
from services.broker import Bell
from services.log import logger
from services.settings import Settings
from services.store import leases, results
from services.store.leases import Claim
from services.store.results import StoredArtifact
from services.store.session import unit_of_work
from services.store.states import JobState
from services.store.stores import Store
from services.store.tables import ModelVersion
from services.work import derived
from services.work.chunk import ReadsChunk, run_chunk
from services.work.devices import device_limit, device_of
from services.work.endings import DISCARDED, end, of_disk, through_outages
from services.work.heartbeat import Heartbeat
from services.work.subject import materialised

log = logger("worker")


class RunsSubject(Protocol):
    """A loaded pipeline as a worker sees it; it may live in another process."""

    def run(self, subject: Subject, progress: Callable[[str, float], None]) -> Reading:
        """Read one subject. `progress` is called often and may raise: then the reading is given up."""

    def chunk(self, watch: Callable[[], None]) -> AbstractContextManager[ReadsChunk]:
        """Read many subjects, one behind the other, for the time of the block; `watch` may raise while it loads."""

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
    claim = _claim(store, settings, queue, worker)
    if claim is None:
        return False
    if claim.in_chunk:
        run_chunk(store, settings, claim, partial(_open_chunk, store, claim, load_pipeline), stopping)
        bell.ring(queue)
        return True
    begin = time.monotonic()
    try:
        with Heartbeat(store, claim, settings, stopping) as heart:
            saved = _read_and_save(store, settings, claim, load_pipeline, heart, stopping)
        state: str = JobState.SUCCEEDED
        _take_in_series(store, bell, saved)
    except LeaseLost:
        state = DISCARDED
    except OverreadError as error:
        state = end(store, settings, claim, error, stopping)
    except MemoryError:
        state = end(store, settings, claim, OutOfMemory(), stopping)
    except OSError as error:
        state = end(store, settings, claim, of_disk(error), stopping)
    log.info("job.ended", job=claim.job_id, fence=claim.fence, state=state, seconds=round(time.monotonic() - begin, 3))
    bell.ring(queue)
    return True


def _claim(store: Store, settings: Settings, queue: str, worker: str) -> Claim | None:
    ageing, device = settings.priority_ageing_seconds, device_of(settings)
    with unit_of_work(store.database) as session:
        return leases.claim_next(session, queue, worker, settings.lease_seconds, ageing, device, device_limit(settings))


@contextmanager
def _open_chunk(
    store: Store, claim: Claim, load_pipeline: LoadPipeline, watch: Callable[[], None]
) -> Iterator[ReadsChunk]:
    with load_pipeline(claim, _model(store, claim)).chunk(watch) as opened:
        yield opened


def _read_and_save(
    store: Store,
    settings: Settings,
    claim: Claim,
    load_pipeline: LoadPipeline,
    heart: Heartbeat,
    stopping: Callable[[], bool],
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
    return through_outages(lambda: _save(store, claim, reading, document, artifacts, peak), stopping)


def _take_in_series(store: Store, bell: Bell, result_id: str) -> None:
    """What the pipeline made becomes part of the study; left to the sweep where the database is away now."""
    try:
        derived.take_in(store, bell, result_id)
    except (Unavailable, NotFound) as error:
        log.warning("series.left_to_sweep", result=result_id, code=error.code)


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
