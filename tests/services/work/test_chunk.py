"""Reading a batch in chunks: every job ends once, whatever becomes of the others beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from pipelines.core.errors import CorruptPixels, DatabaseUnavailable, LeaseLost, OutOfMemory, ReaderCrashed, ReaderDied
from pipelines.core.types import BatchReading
from services.broker import SilentBell
from services.store import attempts, chunks, leases
from services.store.session import unit_of_work
from services.store.states import AttemptOutcome, JobRole, JobState, Priority
from services.store.tables import ArtifactRow, Attempt, AuditRow, CurrentResult, Job, OutboxEvent, Queue, Result, Study
from services.work import chunk
from services.work.chunk_heart import ChunkHeart
from services.work.run import run_one

EARLIER = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def archive(desk):
    """Queues so many jobs of a batch and returns their ids, in order."""

    def queue(count: int, **options: object) -> list[str]:
        return [desk.queue(Priority.BATCH, role=JobRole.BATCH, **options) for _ in range(count)]

    return queue


def run(desk, settings, pipeline, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Let a worker do what it does at one ring."""
    quick = settings.model_copy(update={"heartbeat_seconds": 0.05, "lease_seconds": 5.0})
    return run_one(desk.store, SilentBell(), quick, "retinopathy", "w1", lambda claim, model: pipeline, stopping)


def states(desk, job_ids) -> list[str]:
    """The state of each job."""
    return [desk.job(job_id).state for job_id in job_ids]


def rows(desk, table) -> list:
    """All rows of a table."""
    with unit_of_work(desk.store.database, writing=False) as session:
        return list(session.scalars(select(table)))


def outcomes(desk) -> list[tuple[str, str | None]]:
    """How each claim ended."""
    return sorted((attempt.outcome, attempt.code) for attempt in rows(desk, Attempt))


def test_one_ring_reads_a_whole_batch_and_saves_each_job_once(desk, settings, archive, fake_pipeline):
    job_ids = archive(70)
    assert run(desk, settings, fake_pipeline())
    assert states(desk, job_ids) == [JobState.SUCCEEDED] * 70
    assert sorted(result.job_id for result in rows(desk, Result)) == sorted(job_ids)
    assert outcomes(desk) == [(AttemptOutcome.SUCCEEDED, None)] * 70
    assert len([row for row in rows(desk, AuditRow) if row.action == "result.saved"]) == 70
    assert not run(desk, settings, fake_pipeline())


def test_results_of_a_batch_lie_beside_the_answer(desk, settings, archive, fake_pipeline):
    desk.queue(study="one")
    run(desk, settings, fake_pipeline())
    archive(1, study="one")
    run(desk, settings, fake_pipeline())
    (live, batch) = sorted(rows(desk, Result), key=lambda result: result.role, reverse=True)
    (pointer,) = rows(desk, CurrentResult)
    assert (live.role, batch.role) == (JobRole.LIVE, JobRole.BATCH)
    assert pointer.result_id == live.id


def test_files_of_a_chunk_are_stored_with_their_results(desk, settings, archive, fake_pipeline):
    archive(3)
    run(desk, settings, fake_pipeline())
    artifacts = rows(desk, ArtifactRow)
    assert len({artifact.result_id for artifact in artifacts}) == 3
    with desk.store.blobs.open(artifacts[0].blob_sha256) as file:
        assert file.read() == b"pixels"


def test_a_study_that_cannot_be_read_fails_alone(desk, settings, archive, fake_pipeline, make_reading):
    job_ids = archive(5)
    answered = []

    def answer(subject, progress):
        answered.append(subject)
        if len(answered) == 3:
            raise CorruptPixels
        return make_reading(subject)

    run(desk, settings, fake_pipeline(answer))
    assert states(desk, job_ids) == ["succeeded", "succeeded", "failed", "succeeded", "succeeded"]
    assert desk.job(job_ids[2]).error_code == "corrupt_pixels"


def test_a_study_whose_bytes_are_gone_fails_alone(desk, settings, archive, fake_pipeline):
    job_ids = archive(3)
    for path in (settings.data_dir / "blobs").rglob("*"):
        if path.is_file() and path.read_bytes() == b"image 2":
            path.unlink()
    run(desk, settings, fake_pipeline())
    assert states(desk, job_ids) == ["succeeded", "failed", "succeeded"]


@pytest.mark.parametrize(
    "error",
    [ReaderDied("gone"), ReaderCrashed("crashed"), OutOfMemory(), MemoryError()],
    ids=["died", "crashed", "out of memory", "worker out of memory"],
)
def test_when_the_process_dies_nobody_is_blamed_and_each_is_read_by_itself_next(
    desk, settings, archive, fake_pipeline, make_reading, error
):
    job_ids = archive(6)
    answered = []

    def answer(subject, progress):
        answered.append(subject)
        if len(answered) == 3:
            raise error
        return make_reading(subject)

    run(desk, settings, fake_pipeline(answer))
    # Two were read before the end and are saved; four were with the process, the fake's window.
    assert states(desk, job_ids) == ["succeeded", "succeeded", "queued", "queued", "queued", "queued"]
    waiting = [desk.job(job_id) for job_id in job_ids[2:]]
    assert {(job.attributed_deaths, job.unattributed_deaths, job.attempts) for job in waiting} == {(0, 0, 0)}
    assert desk.job(job_ids[2]).single
    while run(desk, settings, fake_pipeline()):
        pass
    assert states(desk, job_ids) == ["succeeded"] * 6


def test_the_one_to_blame_dies_by_itself_and_is_quarantined_alone(desk, settings, archive, fake_pipeline, make_reading):
    job_ids = archive(5)
    poison = job_ids[3]
    with unit_of_work(desk.store.database, writing=False) as session:
        study_id = session.get_one(Job, poison).study_id

    def answer(subject, progress):
        if poison_uid(desk, study_id) == subject.instances[0].study_instance_uid:
            raise ReaderCrashed("crashed")
        return make_reading(subject)

    while run(desk, settings, fake_pipeline(answer)):
        pass
    assert states(desk, job_ids) == ["succeeded", "succeeded", "succeeded", "quarantined", "succeeded"]


def poison_uid(desk, study_id: str) -> str:
    """The Study Instance UID of a study."""
    with unit_of_work(desk.store.database, writing=False) as session:
        return session.get_one(Study, study_id).study_instance_uid


def test_a_job_that_was_cancelled_meanwhile_is_dropped_and_the_others_are_saved(
    desk, settings, archive, fake_pipeline, make_reading
):
    job_ids = archive(4)
    answered = []

    def answer(subject, progress):
        answered.append(subject)
        if len(answered) == 1:
            with unit_of_work(desk.store.database) as session:
                attempts.cancel(session, job_ids[1], LeaseLost())
        return make_reading(subject)

    run(desk, settings, fake_pipeline(answer))
    assert states(desk, job_ids) == ["succeeded", "cancelled", "succeeded", "succeeded"]
    assert len(rows(desk, Result)) == 3


def test_a_claim_that_another_worker_took_leaves_nothing(desk, settings, archive, fake_pipeline, make_reading):
    job_ids = archive(2)
    desk_answered = []

    def answer(subject, progress):
        if not desk_answered:
            desk.change(job_ids[1], fence=7)
        desk_answered.append(subject)
        return make_reading(subject)

    run(desk, settings, fake_pipeline(answer))
    assert [result.job_id for result in rows(desk, Result)] == [job_ids[0]]
    assert desk.job(job_ids[1]).fence == 7


def test_a_worker_that_stops_gives_everything_back_and_counts_nothing(
    desk, settings, archive, fake_pipeline, make_reading
):
    job_ids = archive(6)
    answered = []

    def answer(subject, progress):
        answered.append(subject)
        return make_reading(subject)

    run(desk, settings, fake_pipeline(answer), lambda: len(answered) >= 2)
    assert set(states(desk, job_ids)) == {"succeeded", "queued"}
    waiting = [desk.job(job_id) for job_id in job_ids if desk.job(job_id).state == JobState.QUEUED]
    assert not any(job.single or job.attempts or job.unattributed_deaths for job in waiting)


def test_what_was_claimed_as_the_database_went_away_is_given_back_at_once(
    desk, settings, archive, fake_pipeline, monkeypatch
):
    def away(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(chunk, "inputs_of", away)
    job_ids = archive(2)
    run(desk, settings, fake_pipeline(None))
    assert states(desk, job_ids) == [JobState.QUEUED] * 2


def test_a_fresh_study_gets_the_worker_before_the_rest_of_the_batch(
    desk, settings, archive, fake_pipeline, make_reading, monkeypatch
):
    monkeypatch.setattr("services.work.chunk.YIELD_SECONDS", 0.0)
    job_ids = archive(40)
    fresh = []

    def answer(subject, progress):
        if not fresh:
            fresh.append(desk.queue())
        return make_reading(subject)

    run(desk, settings, fake_pipeline(answer))
    assert states(desk, job_ids).count("queued") > 30
    assert desk.job(fresh[0]).state == JobState.QUEUED
    run(desk, settings, fake_pipeline())
    assert desk.job(fresh[0]).state == JobState.SUCCEEDED
    while run(desk, settings, fake_pipeline()):
        pass
    assert states(desk, job_ids) == ["succeeded"] * 40


def test_a_study_that_comes_to_wait_for_a_batchs_answer_gets_it(desk, settings, archive, fake_pipeline, make_reading):
    (job_id,) = archive(1)

    def answer(subject, progress):
        desk.change(job_id, role=JobRole.LIVE)
        return make_reading(subject)

    run(desk, settings, fake_pipeline(answer))
    (result,) = rows(desk, Result)
    (pointer,) = rows(desk, CurrentResult)
    assert (result.role, pointer.result_id) == (JobRole.LIVE, result.id)


def test_a_map_is_kept_in_the_document_instead_of_a_file(desk, settings, archive, fake_pipeline, make_reading):
    archive(1)
    pipeline = fake_pipeline(lambda subject, progress: replace(make_reading(subject), artifacts=()))
    with pipeline.chunk(lambda: None) as chunk:
        plain = chunk.poll
    chunk.poll = lambda seconds: BatchReading(plain(seconds).reading, {"L-1-map.npy": b"map"})
    pipeline.chunk = lambda watch: opened(chunk)
    run(desk, settings, pipeline)
    (result,) = rows(desk, Result)
    assert result.document["maps"] == {"L-1-map.npy": "bWFw"}
    assert rows(desk, ArtifactRow) == []


@contextmanager
def opened(chunk):
    """A chunk for the time of a block."""
    yield chunk


def test_more_is_claimed_of_the_same_model_and_pipeline_only(desk, archive, each_store):
    job_ids = archive(6)
    desk.change(job_ids[1], single=True)
    desk.change(job_ids[2], held=True)
    desk.change(job_ids[3], ladder=1)
    desk.change(job_ids[4], pipeline="another")
    first = desk.claim()
    with unit_of_work(each_store.database) as session:
        more = chunks.claim_more(session, first, 10, 60.0)
    assert (first.job_id, [claim.job_id for claim in more]) == (job_ids[0], [job_ids[5]])
    assert (more[0].fence, more[0].worker, desk.job(job_ids[5]).state) == (1, "w1", JobState.RUNNING)


def test_whatever_is_taken_alone_or_with_others_begins_anew(desk, archive, each_store):
    job_ids = archive(3)
    for job_id in job_ids:
        desk.change(job_id, step="infer", progress=0.5, started_at=EARLIER, finished_at=EARLIER, not_before=EARLIER)
    first = desk.claim()
    with unit_of_work(each_store.database) as session:
        claims = [first, *chunks.claim_more(session, first, 10, 60.0)]
    taken = [desk.job(job_id) for job_id in job_ids]
    assert [(job.step, job.progress, job.finished_at, job.not_before) for job in taken] == [(None, 0.0, None, None)] * 3
    assert [(claim.job_id, claim.started_at) for claim in claims] == [(job.id, job.started_at) for job in taken]
    assert EARLIER not in {claim.started_at for claim in claims}


def test_a_paused_queue_gives_a_chunk_nothing_more(desk, archive, each_store):
    archive(3)
    first = desk.claim()
    with unit_of_work(each_store.database) as session:
        session.add(Queue(name="retinopathy", paused=True, actor="tests"))
        session.flush()
        assert chunks.claim_more(session, first, 10, 60.0) == []


def test_one_beat_keeps_all_leases_and_finds_the_lost_ones(desk, archive, each_store):
    job_ids = archive(3)
    claims = [desk.claim() for _ in job_ids]
    desk.change(job_ids[1], fence=9)
    before = [desk.job(job_id).lease_until for job_id in job_ids]
    with unit_of_work(each_store.database) as session:
        held = chunks.beat(session, claims, 600.0)
    after = [desk.job(job_id).lease_until for job_id in job_ids]
    assert held == {job_ids[0], job_ids[2]}
    assert [new > old for new, old in zip(after, before, strict=True)] == [True, False, True]


def test_the_heart_of_a_chunk_keeps_leases_while_it_reads(desk, settings, archive, each_store):
    (job_id,) = archive(1)
    claim = desk.claim(lease_seconds=0.5)
    quick = settings.model_copy(update={"heartbeat_seconds": 0.05, "lease_seconds": 60.0})
    before = desk.job(job_id).lease_until
    with ChunkHeart(each_store, quick) as heart:
        heart.keep([claim])
        while desk.job(job_id).lease_until == before:
            pass
        desk.change(job_id, fence=5)
        while not heart.has_lost(claim):
            pass
        heart.forget([claim])
        assert not heart.has_lost(claim)


def test_nobody_is_told_of_each_claim_of_a_batch(desk, settings, archive, fake_pipeline):
    archive(5)
    before = len(rows(desk, OutboxEvent))
    run(desk, settings, fake_pipeline())
    told = [event.topic for event in rows(desk, OutboxEvent)][before:]
    assert told.count("result") == 5
    assert told.count("job") <= 1  # of the first claim, which is taken as any other


def test_a_worker_that_is_gone_counts_against_none_of_its_chunk(desk, archive, each_store):
    archive(2)
    claim = desk.claim()
    with unit_of_work(each_store.database) as session:
        state = attempts.die_of_unknown(session, claim, AttemptOutcome.LEASE_LOST, ReaderDied("gone"))
        assert not leases.standing(session, [claim])
    job = desk.job(claim.job_id)
    assert (state, job.single, job.unattributed_deaths) == (JobState.QUEUED, True, 0)
