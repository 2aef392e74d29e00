"""Saves what a chunk has read: all files in one round of syncing the disk, all rows in one transaction."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.core.errors import OverreadError
from pipelines.core.types import Artifact, Reading
from pipelines.exporters.json import reading_json
from services.log import logger
from services.settings import Settings
from services.store import results
from services.store.blobs import Published
from services.store.leases import Claim
from services.store.results import Finished, StoredArtifact
from services.store.session import unit_of_work
from services.store.states import JobState
from services.store.stores import Store
from services.work.drawn import MAPS
from services.work.endings import DISCARDED, end, of_disk, through_outages

log = logger("worker")


@dataclass(frozen=True, slots=True)
class Read:
    """A job that was read: its reading, and the maps that go into the document instead of files of their own."""

    claim: Claim
    reading: Reading
    maps: Mapping[str, bytes]


def save(
    store: Store,
    settings: Settings,
    read: Sequence[Read],
    peak_memory_bytes: int | None,
    stopping: Callable[[], bool],
) -> int:
    """Store these readings together; returns how many were saved. One whose claim is lost is dropped.

    Where that cannot be done, for lack of room say, each job ends with the reason, and waits if it may.
    """
    try:
        saved = _save(store, settings, read, peak_memory_bytes, stopping)
    except OverreadError as error:
        return _give_up(store, settings, read, error, stopping)
    except OSError as error:
        return _give_up(store, settings, read, of_disk(error), stopping)
    for one in read:
        state = JobState.SUCCEEDED if one.claim.job_id in saved else DISCARDED
        log.info("job.ended", job=one.claim.job_id, fence=one.claim.fence, state=state)
    return len(saved)


def _save(
    store: Store,
    settings: Settings,
    read: Sequence[Read],
    peak_memory_bytes: int | None,
    stopping: Callable[[], bool],
) -> dict[str, str]:
    blobs = _published(store, settings, [artifact for one in read for artifact in one.reading.artifacts])
    finished = [
        Finished(
            one.claim,
            one.reading,
            _document(one),
            [StoredArtifact(each.name, each.kind, blobs[_digest(each)]) for each in one.reading.artifacts],
            peak_memory_bytes,
        )
        for one in read
    ]

    def write() -> dict[str, str]:
        with unit_of_work(store.database) as session:
            return results.save_results(session, store.blobs, finished)

    return through_outages(write, stopping)


def _give_up(
    store: Store, settings: Settings, read: Sequence[Read], error: OverreadError, stopping: Callable[[], bool]
) -> int:
    for one in read:
        state = end(store, settings, one.claim, error, stopping)
        log.info("job.ended", job=one.claim.job_id, fence=one.claim.fence, state=state)
    return 0


def _document(one: Read) -> dict[str, object]:
    document = reading_json(one.reading)
    if one.maps:
        document[MAPS] = {name: base64.b64encode(content).decode("ascii") for name, content in one.maps.items()}
    return document


def _published(store: Store, settings: Settings, artifacts: Sequence[Artifact]) -> dict[str, Published]:
    """The bytes of all artifacts made durable, by their sha256."""
    if not artifacts:
        return {}
    settings.spool_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.spool_dir) as folder:
        files = []
        for digest, artifact in {_digest(artifact): artifact for artifact in artifacts}.items():
            path = Path(folder) / digest
            path.write_bytes(artifact.content)
            files.append((path, digest, artifact.media_type))
        return {blob.sha256: blob for blob in store.blobs.publish_many(files)}


def _digest(artifact: Artifact) -> str:
    return hashlib.sha256(artifact.content).hexdigest()
