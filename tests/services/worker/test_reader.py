"""The reading process: one at a time, watched, replaced; its deaths are told apart by whose fault they were."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.core.errors import (
    CorruptPixels,
    JobTimeout,
    LeaseLost,
    OutOfMemory,
    OverreadError,
    ReaderCrashed,
    ReaderDied,
    SoftTimeout,
)
from pipelines.pipeline import silent
from services.store.states import MemoryStep
from services.worker.deaths import resident_bytes
from services.worker.messages import Request
from services.worker.reader import Reader, RemotePipeline
from tests.services.worker.conftest import faulty

REQUEST = Request("retinopathy", Path("nowhere"), "0" * 64, datetime(2026, 1, 2, tzinfo=UTC))


@pytest.fixture
def read(reader: Reader, photograph):
    """Has a subject of a kind read by a reader; returns the process that read it."""

    def ask(kind: str, *, by: Reader = reader, alone: bool = False, progress=silent, **limits: float) -> int:
        answer = RemotePipeline(by, replace(REQUEST, **limits), alone).run(photograph(kind), progress)
        return int(answer.seconds["pid"])

    return ask


def test_one_process_reads_one_subject_after_another(read, reader):
    assert read("well") == read("well") == reader.pid


def test_the_steps_of_the_pipeline_are_heard(read, reader):
    heard = []
    read("well", progress=lambda step, fraction: heard.append((step, fraction)))
    assert ("infer", 0.4) in heard and heard[-1] == ("export", 1.0)


def test_a_segmentation_fault_is_the_jobs_own_doing(read, reader):
    with pytest.raises(ReaderCrashed) as death:
        read("segfault")
    assert death.value.signal == signal.SIGSEGV


@pytest.mark.parametrize(("kind", "number"), [("killed", signal.SIGKILL), ("gone", None)])
def test_an_end_that_could_be_anybodys_is_not_held_against_the_job(read, reader, kind, number):
    with pytest.raises(ReaderDied) as death:
        read(kind)
    assert not isinstance(death.value, ReaderCrashed) and death.value.signal == number


def test_after_a_death_a_fresh_process_reads_on(read, reader):
    with pytest.raises(ReaderDied):
        read("killed")
    assert read("well") == reader.pid


def test_a_process_that_died_between_jobs_costs_the_next_one_nothing(read, reader):
    first = read("well")
    reader._process.kill()
    reader._process.wait()
    assert read("well") != first


def test_a_process_out_of_memory_is_replaced(read, reader):
    first = read("well")
    with pytest.raises(OutOfMemory):
        read("hungry")
    assert read("well") != first


def test_an_error_of_the_pipeline_arrives_as_it_was_raised(read, reader):
    with pytest.raises(CorruptPixels) as error:
        read("corrupt")
    assert (error.value.code, error.value.facts) == ("corrupt_pixels", {"frames": 3})


def test_a_defect_fails_the_job_without_quoting_the_input(read, reader):
    with pytest.raises(OverreadError) as error:
        read("defect")
    assert error.value.code == "internal_error" and "ValueError" in error.value.sentence
    assert "Doe" not in error.value.sentence


def test_a_job_that_takes_too_long_is_ended(read, reader):
    with pytest.raises(JobTimeout):
        read("endless", hard_seconds=0.5)
    assert reader.pid is None


def test_a_job_that_takes_too_long_is_asked_to_stop_and_its_process_reads_on(read, reader):
    first = read("well")
    with pytest.raises(SoftTimeout) as stopped:
        read("slow", soft_seconds=0.1)
    assert stopped.value.facts == {"step": "infer"} and read("well") == first


def test_a_process_is_replaced_after_its_share_of_jobs(settings, read):
    reader = Reader(settings.model_copy(update={"worker_recycle_jobs": 2}), faulty)
    first, second, third = (read("well", by=reader) for _ in range(3))
    reader.end()
    assert first == second != third


def test_a_reading_on_a_lower_step_of_memory_sees_no_gpu_and_says_so_in_its_receipt(settings, reader, photograph):
    gpu = Reader(settings.model_copy(update={"device": "cuda:1"}), faulty)
    seen = {}
    for step in (MemoryStep.FULL, MemoryStep.CPU):
        answer = RemotePipeline(gpu, replace(REQUEST, memory_step=step), False).run(photograph("gpus"), silent)
        seen[answer.receipt.memory_step] = answer.abstain_reason
    gpu.end()
    assert seen == {MemoryStep.FULL: "1", MemoryStep.CPU: ""}


def test_a_process_that_takes_too_much_is_ended_and_its_job_is_the_cause(settings, read):
    reader = Reader(settings.model_copy(update={"worker_memory_bytes": 150 * 1024**2}), faulty)
    with pytest.raises(OutOfMemory):
        read("greedy", by=reader)
    assert reader.pid is None


def test_a_process_that_grew_is_replaced_after_its_job(settings, read):
    reader = Reader(settings.model_copy(update={"worker_recycle_bytes": 150 * 1024**2}), faulty)
    read("growing", by=reader)
    assert reader.pid is None and (reader.peak_memory_bytes() or 0) > 150 * 1024**2


def test_a_job_that_must_run_alone_shares_its_process_with_no_other(read, reader):
    before = read("well")
    alone = read("well", alone=True)
    assert len({before, alone, read("well")}) == 3


def test_a_lost_lease_ends_the_process_in_the_middle_of_its_computation(read, reader):
    began = time.monotonic()

    def lost(step: str, fraction: float) -> None:
        if time.monotonic() - began > 0.5 and step == "infer":
            raise LeaseLost

    process = []
    with pytest.raises(LeaseLost):
        read("endless", progress=lambda *args: (process.append(reader.pid), lost(*args)))
    assert reader.pid is None and resident_bytes(process[0]) is None
