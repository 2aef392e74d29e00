from __future__ import annotations

from dataclasses import replace

from pipelines.core.errors import UnsuitableInput
from pipelines.core.types import ModelRef, Quality, Reading, Receipt, Subject, Urgency
from pipelines.pipeline import STEPS, Pipeline

READING = Reading(
    pipeline="counting",
    model=ModelRef("none", "1", "0"),
    findings=(),
    images=(),
    quality=Quality(True, 1.0),
    abstained=False,
    abstain_reason=None,
    urgency=Urgency.ROUTINE,
    explanation=None,
    artifacts=(),
    seconds={},
    receipt=Receipt("", (), "", "", "", "", "", "", 1, (), "cpu", "", "full"),
)


class Counting(Pipeline[list[str], list[str], list[str], list[str]]):
    """Writes down the steps it is asked for."""

    def load(self, subject: Subject) -> list[str]:
        return [subject.kind, "load"]

    def preprocess(self, loaded: list[str]) -> list[str]:
        return [*loaded, "preprocess"]

    def infer(self, prepared: list[str]) -> list[str]:
        return [*prepared, "infer"]

    def explain(self, inferred: list[str]) -> list[str]:
        return [*inferred, "explain"]

    def postprocess(self, explained: list[str]) -> Reading:
        return replace(READING, abstain_reason=" ".join([*explained, "postprocess"]))

    def close(self) -> None:
        self.is_closed = True


SUBJECT = Subject("study", ())


def test_the_steps_run_in_order_and_each_is_timed() -> None:
    reading = Counting().run(SUBJECT)
    assert reading.abstain_reason == "study load preprocess infer explain postprocess"
    assert tuple(reading.seconds) == STEPS
    assert all(seconds >= 0 for seconds in reading.seconds.values())


def test_progress_rises_from_nought_to_one() -> None:
    heard: list[tuple[str, float]] = []
    Counting().run(SUBJECT, lambda step, fraction: heard.append((step, fraction)))
    assert [step for step, _ in heard] == [*STEPS, "done"]
    assert [fraction for _, fraction in heard] == sorted(fraction for _, fraction in heard)
    assert (heard[0][1], heard[-1][1]) == (0.0, 1.0)


class Choosy(Counting):
    """Reads studies, and nothing else."""

    def load(self, subject: Subject) -> list[str]:
        if subject.kind != "study":
            raise UnsuitableInput("only studies")
        return super().load(subject)


def test_a_batch_gives_a_reading_or_an_error_each_in_order() -> None:
    answers = list(Choosy().run_batch([SUBJECT, Subject("series", ()), SUBJECT]))
    assert [type(answer) for answer in answers] == [Reading, UnsuitableInput, Reading]


def test_a_batch_takes_its_next_subject_when_it_can_begin_it() -> None:
    taken: list[int] = []
    subjects = (taken.append(number) or SUBJECT for number in range(1000))
    readings = Counting().run_batch(subjects)
    next(readings), next(readings)
    assert taken == [0, 1]


def test_a_pipeline_closes_behind_its_block() -> None:
    with Counting() as pipeline:
        pipeline.run(SUBJECT)
    assert pipeline.is_closed
