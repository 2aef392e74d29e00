"""A chunk in the reading process: answers in order, errors of one study alone, and deaths that are nobody's."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipelines.core.errors import CorruptPixels, JobTimeout, OutOfMemory, OverreadError, ReaderCrashed, WorkerStopping
from pipelines.core.types import BatchReading
from pipelines.pipeline import silent
from services.worker.chunked import RemoteChunk, remote_chunk
from services.worker.reader import RemotePipeline
from tests.services.worker.test_reader import REQUEST

MADE = datetime(2026, 1, 2, tzinfo=UTC)


def never() -> None:
    """Nothing asks the worker to stop."""


def answers(chunk: RemoteChunk, count: int) -> list[BatchReading | OverreadError]:
    """So many answers."""
    found: list[BatchReading | OverreadError] = []
    while len(found) < count:
        answer = chunk.poll(1.0)
        if answer is not None:
            found.append(answer)
    return found


def test_answers_come_in_order_and_a_refused_study_is_one_of_them(reader, photograph):
    with remote_chunk(reader, REQUEST, never) as chunk:
        for kind in ("well", "corrupt", "well"):
            chunk.send(photograph(kind), MADE)
        found = answers(chunk, 3)
    assert [type(answer) for answer in found] == [BatchReading, CorruptPixels, BatchReading]
    assert isinstance(found[0], BatchReading) and found[0].reading.seconds["pid"] == reader.pid


def test_the_process_reads_on_by_itself_after_a_chunk(reader, photograph):
    with remote_chunk(reader, REQUEST, never) as chunk:
        chunk.send(photograph("well"), MADE)
        answers(chunk, 1)
    pid = reader.pid
    answer = RemotePipeline(reader, REQUEST, alone=False).run(photograph("well"), silent)
    assert answer.seconds["pid"] == pid


def test_a_pipeline_that_makes_files_for_their_own_sake_gives_them_in_a_chunk_too(reader, photograph):
    with remote_chunk(reader, REQUEST, never) as chunk:
        chunk.send(photograph("well"), MADE)
        (answer,) = answers(chunk, 1)
    assert isinstance(answer, BatchReading)
    assert "sr" in {artifact.kind for artifact in answer.reading.artifacts}


def test_a_process_that_crashes_in_a_chunk_says_by_what(reader, photograph):
    with pytest.raises(ReaderCrashed), remote_chunk(reader, REQUEST, never) as chunk:
        chunk.send(photograph("well"), MADE)
        chunk.send(photograph("segfault"), MADE)
        answers(chunk, 2)
    assert reader.pid is None


def test_a_defect_of_the_pipeline_ends_the_chunk_and_the_process(reader, photograph):
    with pytest.raises(OverreadError, match="unexpectedly"), remote_chunk(reader, REQUEST, never) as chunk:
        chunk.send(photograph("defect"), MADE)
        answers(chunk, 1)
    assert reader.pid is None


def test_a_network_without_memory_ends_the_chunk_as_it_ends_a_single_job(reader, photograph):
    with pytest.raises(OutOfMemory), remote_chunk(reader, REQUEST, never) as chunk:
        chunk.send(photograph("exhausted"), MADE)
        answers(chunk, 1)
    assert reader.pid is None


def test_a_worker_that_stops_while_the_pipeline_loads_gives_up(reader):
    def stopping() -> None:
        raise WorkerStopping

    with pytest.raises(WorkerStopping), remote_chunk(reader, REQUEST, stopping):
        time.sleep(0)
    assert reader.pid is None


def test_a_chunk_without_an_answer_for_too_long_is_ended(reader, photograph):
    request = replace(REQUEST, hard_seconds=3.0)
    with pytest.raises(JobTimeout), remote_chunk(reader, request, never) as chunk:
        chunk.send(photograph("endless"), MADE)
        answers(chunk, 1)
