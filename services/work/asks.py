"""What a reader is asked of a slot before the machine's answer is shown: findings by place, never their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.labels import Choice, Grades, Label, Probability, labels_of
from services.store.tables import Instance, JobInput, Result

GRADE: Final = "dr_grade"
WHOLE: Final = "hippocampus"


@dataclass(frozen=True, slots=True)
class Ask:
    """One finding to state: `label` on a side (R, L, or None for the patient), and the values it may have."""

    label: str
    laterality: str | None
    values: Label

    @property
    def needs_word(self) -> bool:
        """Whether looking is enough to say it: a grade or a class; a measurement needs tools."""
        return isinstance(self.values, Grades | Choice)


def asks_of(session: Session, answer: Result) -> list[Ask]:
    """What to ask where `answer` is withheld; nothing of it depends on what the machine found."""
    places = _PLACES.get(answer.pipeline, _stated)
    labels = labels_of(answer.pipeline, answer.document["findings"])
    return [Ask(label, side, labels[label]) for label, side in places(session, answer) if label in labels]


def _eyes(session: Session, answer: Result) -> Iterator[tuple[str, str | None]]:
    """A grade of each eye that was photographed, be it gradable or not; of an unknown side where none is known."""
    sides = session.scalars(
        select(Instance.laterality)
        .join(JobInput, JobInput.instance_id == Instance.id)
        .where(JobInput.job_id == answer.job_id)
        .distinct()
    )
    # Right before left, as the eyes are shown.
    known: list[str | None] = [*sorted((side for side in sides if side), reverse=True)]
    yield from ((GRADE, side) for side in known or [None])


def _hippocampi(session: Session, answer: Result) -> Iterator[tuple[str, str | None]]:
    """The volume of each hippocampus that lies in the images."""
    sides = {finding["laterality"] for finding in answer.document["findings"] if finding["label"] == WHOLE}
    yield from ((WHOLE, side) for side in sorted(sides or {None}, key=lambda side: side or "", reverse=True))


def _nothing(session: Session, answer: Result) -> Iterator[tuple[str, str | None]]:
    """Of a picture that the machine made only whether it can be used."""
    yield from ()


def _stated(session: Session, answer: Result) -> Iterator[tuple[str, str | None]]:
    """What a model that was added at run time speaks of, but probabilities."""
    labels = labels_of(answer.pipeline, answer.document["findings"])
    for finding in answer.document["findings"]:
        if not isinstance(labels[finding["label"]], Probability):
            yield finding["label"], finding["laterality"]


_PLACES: Final[Mapping[str, Callable[[Session, Result], Iterator[tuple[str, str | None]]]]] = {
    "retinopathy": _eyes,
    "segmentation": _hippocampi,
    "reconstruction": _nothing,
    "reconstruction_zero_filled": _nothing,
    "reconstruction_sense": _nothing,
    "reconstruction_compressed_sensing": _nothing,
}
