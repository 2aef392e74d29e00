from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.core.errors import CorruptPixels
from pipelines.core.types import InstanceFile, Reading, Subject
from pipelines.overlap import Stages, overlapped
from tests.pipelines.test_pipeline import READING

BATCH = 4


def subject(*words: str) -> Subject:
    """A subject whose images are words."""
    return Subject("study", tuple(InstanceFile(Path(word), "", word, "", "OP", "", "") for word in words))


class Reader:
    """Reads words; writes down the batches that its network was given."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def prepare(self, subject: Subject, seconds: dict[str, float]) -> Sequence[str]:
        words = [instance.sop_instance_uid for instance in subject.instances]
        if "slow" in words:
            time.sleep(0.05)
        if "broken" in words:
            raise CorruptPixels
        if "defect" in words:
            raise KeyError("defect")
        seconds["load"] = 1.0
        return words

    def infer(self, prepared: Sequence[str]) -> Sequence[str]:
        self.batches.append(len(prepared))
        return [word.upper() for word in prepared]

    def finish(self, inferred: Sequence[str], seconds: dict[str, float]) -> Reading:
        return replace(READING, abstain_reason=" ".join(inferred))

    def stages(self) -> Stages[str, str]:
        return Stages(self.prepare, self.infer, self.finish, BATCH, 2)


def test_readings_come_in_the_order_of_their_subjects_whoever_is_slow() -> None:
    rows = [subject("slow"), subject("a", "b"), subject("c"), subject("slow", "d"), subject("e")]
    answers = list(overlapped(rows, Reader().stages()))
    assert [answer.abstain_reason for answer in answers if isinstance(answer, Reading)] == [
        "SLOW",
        "A B",
        "C",
        "SLOW D",
        "E",
    ]


def test_images_of_several_studies_fill_one_batch() -> None:
    reader = Reader()
    list(overlapped([subject("a", "b", "c"), subject("d", "e"), subject("f", "g", "h")], reader.stages()))
    assert reader.batches == [BATCH, BATCH]


def test_a_study_that_cannot_be_read_fails_alone() -> None:
    answers = list(overlapped([subject("a"), subject("broken"), subject("b")], Reader().stages()))
    assert [type(answer) for answer in answers] == [Reading, CorruptPixels, Reading]


def test_each_reading_knows_what_its_steps_took() -> None:
    (answer,) = overlapped([subject("a", "b")], Reader().stages())
    assert isinstance(answer, Reading)
    assert answer.seconds["load"] == 1.0
    assert answer.seconds["infer"] > 0


def test_a_defect_ends_the_row_since_nobody_knows_whose_it_is() -> None:
    with pytest.raises(KeyError):
        list(overlapped([subject("a"), subject("defect")], Reader().stages()))


def test_a_defect_of_the_source_is_raised_where_readings_are_taken() -> None:
    def rows() -> Iterator[Subject]:
        yield subject("a")
        raise EOFError

    answers = overlapped(rows(), Reader().stages())
    assert isinstance(next(answers), Reading)
    with pytest.raises(EOFError):
        next(answers)


def test_a_study_is_read_though_the_next_one_keeps_us_waiting() -> None:
    more = threading.Event()

    def rows() -> Iterator[Subject]:
        yield subject("a")
        more.wait(60)

    answers = overlapped(rows(), Reader().stages())
    assert isinstance(next(answers), Reading)
    more.set()
    assert list(answers) == []


def test_no_more_subjects_are_taken_than_a_few_batches() -> None:
    taken: list[int] = []

    def rows() -> Iterator[Subject]:
        for number in range(1000):
            taken.append(number)
            yield subject("a")

    answers = overlapped(rows(), Reader().stages())
    next(answers)
    time.sleep(0.1)
    assert len(taken) < 10 * BATCH
    answers.close()  # type: ignore[attr-defined]  # an iterator by type, a generator by nature
