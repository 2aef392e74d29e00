"""Running one job: claimed, read with no transaction open, saved once, or ended as its error says."""

from __future__ import annotations

import errno
import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen

from pipelines.core.errors import (
    CorruptPixels,
    DatabaseUnavailable,
    DecoderDied,
    JobTimeout,
    OutOfMemory,
    ReaderCrashed,
    ReaderDied,
    SoftTimeout,
    StorageFull,
    Unavailable,
)
from pipelines.core.types import Artifact
from services.broker import SilentBell
from services.store import attempts
from services.store import results as results_store
from services.store.session import unit_of_work
from services.store.states import AttemptOutcome, JobRole, JobState, ReviewAction, Verdict
from services.store.tables import ArtifactRow, Attempt, AuditRow, Blob, CurrentResult, Result, Review, User
from services.work import endings
from services.work.run import run_one

#: A heartbeat that does not come while a test waits for something else.
RARELY_SECONDS = 40.0


def run(desk, settings, pipeline, *, heartbeat_seconds: float = 0.05, **options: object) -> bool:
    """Run the next job with a pipeline that answers as the test says."""
    quick = settings.model_copy(update={"heartbeat_seconds": heartbeat_seconds, "lease_seconds": 5.0})
    return run_one(desk.store, SilentBell(), quick, "retinopathy", "w1", lambda claim, model: pipeline, **options)


def raising(error: BaseException):
    """A pipeline's answer that is an error."""

    def answer(subject, progress):
        raise error

    return answer


def results(desk) -> list[Result]:
    """All results there are."""
    with unit_of_work(desk.store.database, writing=False) as session:
        return list(session.scalars(select(Result).order_by(Result.id)))


def pointer(desk, slot_id: str) -> CurrentResult:
    """What a slot points to."""
    with unit_of_work(desk.store.database, writing=False) as session:
        return session.get_one(CurrentResult, slot_id)


def test_an_empty_queue_runs_nothing(desk, settings, fake_pipeline):
    assert run(desk, settings, fake_pipeline()) is False


def test_a_job_ends_in_one_result_that_its_slot_points_to(desk, settings, fake_pipeline):
    job_id = desk.queue()
    assert run(desk, settings, fake_pipeline())
    (result,) = results(desk)
    assert desk.job(job_id).state == JobState.SUCCEEDED and result.job_id == job_id
    assert pointer(desk, result.slot_id).result_id == result.id
    assert result.document["findings"][0]["label"] == "dr_grade"


def test_the_pipeline_gets_the_bytes_that_were_stored(desk, settings, fake_pipeline):
    desk.queue()
    read = []
    pipeline = fake_pipeline()
    answer = pipeline.answer
    pipeline.answer = lambda subject, progress: (
        read.append(subject.instances[0].path.read_bytes()) or answer(subject, progress)
    )
    run(desk, settings, pipeline)
    (subject,) = pipeline.seen
    assert read == [b"image 1"] and subject.kind == "study" and subject.instances[0].laterality == "L"


def test_the_artifacts_of_a_result_are_stored_blobs(desk, settings, fake_pipeline):
    desk.queue()
    run(desk, settings, fake_pipeline())
    with unit_of_work(desk.store.database, writing=False) as session:
        artifact = session.scalars(select(ArtifactRow)).one()
        assert session.get(Blob, artifact.blob_sha256) is not None
    with desk.store.blobs.open(artifact.blob_sha256) as file:
        assert (artifact.name, artifact.bytes, file.read()) == ("L-1-overlay.png", 6, b"pixels")


def test_the_artifacts_of_a_result_are_stored_together(desk, settings, fake_pipeline, make_reading):
    desk.queue()
    contents = {"L-1-overlay.png": b"pixels", "L-1-heatmap.png": b"colours", "L-2-heatmap.png": b"colours"}
    made = tuple(Artifact(name, "heatmap", "image/png", content) for name, content in contents.items())
    inserted = []
    listen(
        desk.store.database.engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, *rest: inserted.append(statement.split("(")[0].strip()),
    )
    run(desk, settings, fake_pipeline(lambda subject, progress: replace(make_reading(subject), artifacts=made)))
    with unit_of_work(desk.store.database, writing=False) as session:
        stored = {row.name: row.blob_sha256 for row in session.scalars(select(ArtifactRow))}
    assert {name: desk.store.blobs.open(sha256).read() for name, sha256 in stored.items()} == contents
    assert inserted.count("INSERT INTO blobs") == 1


def test_a_saved_result_leaves_an_attempt_with_its_memory_and_an_audit_row(desk, settings, fake_pipeline):
    job_id = desk.queue()
    run(desk, settings, fake_pipeline())
    with unit_of_work(desk.store.database, writing=False) as session:
        attempt = session.scalars(select(Attempt)).one()
        row = session.scalars(select(AuditRow).where(AuditRow.action == "result.saved")).one()
    assert (attempt.job_id, attempt.outcome, attempt.peak_memory_bytes) == (job_id, AttemptOutcome.SUCCEEDED, 4096)
    assert (row.actor, row.subjects["job"]) == ("worker:w1", job_id)


def test_a_worker_that_lost_its_job_while_reading_leaves_nothing_of_its_result(
    desk, settings, fake_pipeline, make_reading
):
    job_id = desk.queue()

    def taken_meanwhile(subject, progress):
        desk.change(job_id, fence=7)
        return make_reading(subject)

    assert run(desk, settings, fake_pipeline(taken_meanwhile))
    with unit_of_work(desk.store.database, writing=False) as session:
        left = [session.scalars(select(table)).all() for table in (Result, ArtifactRow, CurrentResult, Attempt)]
    assert left == [[], [], [], []] and desk.job(job_id).state == JobState.RUNNING


def test_a_cancelled_job_stops_while_it_reads(desk, settings, fake_pipeline):
    job_id = desk.queue()
    turns = []

    def cancelled_meanwhile(subject, progress):
        with unit_of_work(desk.store.database) as session:
            attempts.cancel(session, job_id, Unavailable(code="cancelled"))
        while len(turns) < 1000:
            turns.append(threading.Event().wait(0.01))
            progress("infer", 0.5)

    run(desk, settings, fake_pipeline(cancelled_meanwhile))
    assert len(turns) < 1000 and results(desk) == [] and desk.job(job_id).state == JobState.CANCELLED


def test_a_cancelled_job_stops_within_about_a_second_however_rare_heartbeats_are(desk, settings, fake_pipeline):
    job_id = desk.queue()
    took = []

    def cancelled_meanwhile(subject, progress):
        while desk.job(job_id).step is None:  # its beat for the new step is over: the next is not due for long
            time.sleep(0.02)
        with unit_of_work(desk.store.database) as session:
            attempts.cancel(session, job_id, Unavailable(code="cancelled"))
        began = time.monotonic()
        try:
            while time.monotonic() - began < RARELY_SECONDS:
                time.sleep(0.01)
                progress("infer", 0.4)
        finally:
            took.append(time.monotonic() - began)

    run(desk, settings, fake_pipeline(cancelled_meanwhile), heartbeat_seconds=RARELY_SECONDS)
    assert took[0] < RARELY_SECONDS / 2 and desk.job(job_id).state == JobState.CANCELLED


def test_a_stopping_worker_gives_its_job_back_without_a_mark(desk, settings, fake_pipeline):
    job_id = desk.queue()
    run(desk, settings, fake_pipeline(), stopping=lambda: True)
    row = desk.job(job_id)
    assert (row.state, row.attempts, row.unattributed_deaths, row.not_before) == (JobState.QUEUED, 0, 0, None)


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (CorruptPixels(), JobState.FAILED, "corrupt_pixels"),
        (DecoderDied(), JobState.FAILED, "decoder_died"),
        (Unavailable(), JobState.QUEUED, None),
        (ReaderDied.by(9, None), JobState.QUEUED, None),
        (ReaderCrashed.by(11, None), JobState.QUEUED, None),
        (OutOfMemory(), JobState.QUEUED, None),
        (MemoryError(), JobState.QUEUED, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_a_job_ends_as_its_error_says(desk, settings, fake_pipeline, error, state, code):
    job_id = desk.queue()
    run(desk, settings, fake_pipeline(raising(error)))
    assert (desk.job(job_id).state, desk.job(job_id).error_code) == (state, code)


@pytest.mark.parametrize("error", [MemoryError(), OutOfMemory(), ReaderCrashed.by(11, None)], ids=repr)
def test_a_poison_job_is_quarantined_at_its_second_death(desk, settings, fake_pipeline, error):
    job_id = desk.queue()
    for _ in range(2):
        run(desk, settings, fake_pipeline(raising(error)))
    assert desk.job(job_id).state == JobState.QUARANTINED


def ladder(desk, settings, fake_pipeline, device: str) -> list[tuple[int, str]]:
    """Run a job that always runs out of memory until it ends: each attempt's step, and the state after it."""
    job_id, seen = desk.queue(), []
    while not seen or seen[-1][1] == JobState.QUEUED:
        step = desk.job(job_id).ladder
        run(desk, settings.model_copy(update={"device": device}), fake_pipeline(raising(OutOfMemory())))
        seen.append((step, desk.job(job_id).state))
    return seen


def test_memory_that_ends_on_a_cpu_is_halved_once_before_the_job_is_quarantined(desk, settings, fake_pipeline):
    steps = ladder(desk, settings, fake_pipeline, "cpu")
    assert steps == [(0, JobState.QUEUED), (1, JobState.QUARANTINED)]


def test_memory_that_ends_on_a_gpu_is_halved_and_then_the_cpu_has_its_turn(desk, settings, fake_pipeline):
    steps = ladder(desk, settings, fake_pipeline, "cuda:0")
    assert steps == [(0, JobState.QUEUED), (1, JobState.QUEUED), (2, JobState.QUARANTINED)]
    with unit_of_work(desk.store.database, writing=False) as session:
        rows = session.scalars(select(Attempt).order_by(Attempt.fence)).all()
    assert [row.ladder for row in rows] == [0, 1, 2] and rows[0].device.endswith("/cuda:0")


def test_a_job_that_steps_down_succeeds_where_less_is_enough(desk, settings, fake_pipeline, make_reading):
    job_id = desk.queue()
    run(desk, settings, fake_pipeline(raising(OutOfMemory())))
    run(desk, settings, fake_pipeline())
    assert (desk.job(job_id).state, desk.job(job_id).ladder) == (JobState.SUCCEEDED, 1)


def test_a_volume_refused_for_its_size_before_it_began_fails_at_once(desk, settings, fake_pipeline):
    job_id = desk.queue()
    run(desk, settings, fake_pipeline(raising(OutOfMemory(code="volume_too_large"))))
    assert (desk.job(job_id).state, desk.job(job_id).error_code) == (JobState.FAILED, "volume_too_large")


@pytest.mark.parametrize(
    "error", [StorageFull(), DatabaseUnavailable(), OSError(errno.ENOSPC, "full"), OSError(errno.EROFS, "read-only")]
)
def test_a_full_disk_or_a_database_away_is_waited_out_and_counts_nothing(desk, settings, fake_pipeline, error):
    job_id = desk.queue()
    for _ in range(settings.max_attempts + 1):
        desk.change(job_id, not_before=None)
        run(desk, settings, fake_pipeline(raising(error)))
    row = desk.job(job_id)
    assert (row.state, row.attempts, row.unattributed_deaths) == (JobState.QUEUED, 0, 0)
    assert row.not_before is not None


@pytest.mark.parametrize("error", [SoftTimeout(), JobTimeout()], ids=repr)
def test_a_job_that_takes_too_long_twice_fails(desk, settings, fake_pipeline, error):
    job_id = desk.queue()
    run(desk, settings, fake_pipeline(raising(error)))
    assert desk.job(job_id).state == JobState.QUEUED
    desk.change(job_id, not_before=None)
    run(desk, settings, fake_pipeline(raising(error)))
    assert (desk.job(job_id).state, desk.job(job_id).error_code) == (JobState.FAILED, error.code)


def test_a_result_is_saved_however_long_the_database_was_away(desk, settings, fake_pipeline, monkeypatch):
    job_id, tries = desk.queue(), []
    save = results_store.save_result

    def away_at_first(*arguments):
        tries.append(1)
        if len(tries) < 3:
            raise DatabaseUnavailable
        return save(*arguments)

    monkeypatch.setattr(endings, "DATABASE_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(results_store, "save_result", away_at_first)
    run(desk, settings, fake_pipeline())
    assert (desk.job(job_id).state, len(tries)) == (JobState.SUCCEEDED, 3)


def test_a_worker_asked_to_stop_does_not_wait_for_the_database(desk, settings, fake_pipeline, monkeypatch):
    desk.queue()
    stop = threading.Event()

    def away(*arguments):
        stop.set()
        raise DatabaseUnavailable

    monkeypatch.setattr(results_store, "save_result", away)
    monkeypatch.setattr(attempts, "wait_out", away)
    with pytest.raises(DatabaseUnavailable):
        run(desk, settings, fake_pipeline(), stopping=stop.is_set)


def test_a_poison_job_does_not_stop_the_ones_behind_it(desk, settings, fake_pipeline, make_reading):
    poison, innocent = desk.queue(), desk.queue()

    def answer(subject, progress):
        if desk.job(poison).state == JobState.RUNNING:
            raise MemoryError
        return make_reading(subject)

    for _ in range(3):
        run(desk, settings, fake_pipeline(answer))
    assert (desk.job(poison).state, desk.job(innocent).state) == (JobState.QUARANTINED, JobState.SUCCEEDED)


def test_a_job_whose_model_is_gone_fails_with_its_code(desk, settings, fake_pipeline):
    job_id = desk.queue()
    desk.change(job_id, model_version_id=None)
    run(desk, settings, fake_pipeline())
    assert desk.job(job_id).error_code == "unknown_model"


def test_a_job_whose_bytes_are_gone_fails_with_its_code(desk, settings, fake_pipeline):
    job_id = desk.queue()
    with unit_of_work(desk.store.database, writing=False) as session:
        (sha256,) = [blob.sha256 for blob in session.scalars(select(Blob)) if blob.media_type == "application/dicom"]
    desk.store.blobs.remove(sha256)
    run(desk, settings, fake_pipeline())
    assert desk.job(job_id).error_code == "not_found"


def test_a_newer_result_of_a_slot_takes_the_place_of_the_older(desk, settings, fake_pipeline):
    for _ in range(2):
        desk.queue(study="one")
        run(desk, settings, fake_pipeline())
    first, second = results(desk)
    assert first.slot_id == second.slot_id and pointer(desk, first.slot_id).result_id == second.id


def test_an_older_job_that_answers_late_does_not_take_the_place_of_a_newer_one(desk, settings, fake_pipeline):
    older, newer = desk.queue(study="one"), desk.queue(study="one")
    desk.change(older, state=JobState.FAILED)
    run(desk, settings, fake_pipeline())
    desk.change(older, state=JobState.QUEUED)
    run(desk, settings, fake_pipeline())
    answers = {result.job_id: result for result in results(desk)}
    assert pointer(desk, answers[newer].slot_id).result_id == answers[newer].id and older in answers


@pytest.mark.parametrize("role", [JobRole.SHADOW, JobRole.BATCH])
def test_only_live_results_move_the_pointer(desk, settings, fake_pipeline, role):
    desk.queue(study="one")
    run(desk, settings, fake_pipeline())
    desk.queue(study="one", role=role)
    run(desk, settings, fake_pipeline())
    first, _ = results(desk)
    assert pointer(desk, first.slot_id).result_id == first.id


def test_a_signed_result_stays_and_a_newer_one_is_proposed(desk, settings, fake_pipeline):
    desk.queue(study="one")
    run(desk, settings, fake_pipeline())
    sign(desk, results(desk)[0])
    desk.queue(study="one")
    run(desk, settings, fake_pipeline())
    first, second = results(desk)
    assert pointer(desk, first.slot_id).result_id == first.id
    assert pointer(desk, first.slot_id).proposed_result_id == second.id


def sign(desk, result: Result) -> None:
    """A clinician accepts a result."""
    with unit_of_work(desk.store.database) as session:
        user = User(name="reader", password_hash="x", role="clinician")
        session.add(user)
        session.flush()
        session.add(
            Review(
                slot_id=result.slot_id,
                result_id=result.id,
                number=1,
                user_id=user.id,
                action=ReviewAction.SIGN,
                verdict=Verdict.ACCEPT,
                findings=[],
            )
        )


def test_each_finished_job_rings_for_the_next(desk, settings, fake_pipeline):
    rung = []

    class Bell(SilentBell):
        def ring(self, queue: str) -> None:
            rung.append(queue)

    desk.queue()
    run_one(desk.store, Bell(), settings, "retinopathy", "w1", lambda claim, model: fake_pipeline())
    assert rung == ["retinopathy"]


def test_a_long_reading_keeps_its_lease(desk, settings, fake_pipeline, make_reading):
    job_id = desk.queue()
    leases = []

    def slow(subject, progress):
        progress("infer", 0.4)
        for _ in range(2):
            threading.Event().wait(0.2)
            leases.append(desk.job(job_id).lease_until)
        return make_reading(subject)

    run(desk, settings, fake_pipeline(slow))
    assert leases[0] < leases[1] and desk.job(job_id).state == JobState.SUCCEEDED


def test_the_row_of_a_running_job_shows_its_step(desk, settings, fake_pipeline, make_reading):
    job_id = desk.queue()
    seen = []

    def slow(subject, progress):
        progress("infer", 0.4)
        threading.Event().wait(0.2)
        seen.append((desk.job(job_id).step, desk.job(job_id).progress))
        return make_reading(subject)

    run(desk, settings, fake_pipeline(slow))
    assert seen == [("infer", 0.4)]


def test_two_results_of_equal_readings_hold_equal_documents(desk, settings, fake_pipeline, make_reading):
    fixed = replace(make_reading(), seconds={"load": 0.1})
    for _ in range(2):
        desk.queue()
        run(desk, settings, fake_pipeline(lambda subject, progress: fixed))
    first, second = results(desk)
    assert first.document == second.document and first.receipt_digest == second.receipt_digest
