"""From graded photographs to what is said of each eye and of the patient: worst photograph, worst eye, urgency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pipelines.core import codes
from pipelines.core.types import Finding, Laterality, Quality, Urgency
from pipelines.nets.grading import REFERABLE_FROM, Graded

UNGRADABLE: Final = "ungradable"
LOW_CONFIDENCE: Final = "low_confidence"
#: ICDR 4, proliferative disease: may bleed or detach any day (Wilkinson et al. 2003).
_PROLIFERATIVE: Final = 4
#: Exudates within one disc diameter of the macula: clinically significant edema is likely (IDRiD).
_EDEMA_LIKELY: Final = 2
_DIGITS: Final = 6  # of a probability; beyond float32's own precision there is nothing to say
_MOST_URGENT_FIRST: Final = (Urgency.STAT, Urgency.URGENT, Urgency.CHECK, Urgency.ROUTINE)


@dataclass(frozen=True, slots=True)
class Assessed:
    """One photograph's quality and grading."""

    laterality: Laterality | None
    quality: Quality
    graded: Graded

    @property
    def abstain_reason(self) -> str | None:
        """Why the machine gives no answer for this photograph; None where it does."""
        if not self.quality.gradable:
            return UNGRADABLE
        return LOW_CONFIDENCE if self.graded.abstained else None


Photograph = TypeVar("Photograph", bound=Assessed)


def deciding(photographs: Sequence[Photograph]) -> Mapping[Laterality | None, Photograph]:
    """The photograph that speaks for each eye: its worst gradable one, or the best of the ungradable ones."""
    sides = sorted({photograph.laterality for photograph in photographs}, key=lambda side: side or "")
    return {side: worst([each for each in photographs if each.laterality == side]) for side in sides}


def worst(photographs: Sequence[Photograph]) -> Photograph:
    """The highest grade, then the highest probability of referable disease, among gradable ones if there are any."""
    gradable = [each for each in photographs if each.quality.gradable]
    if not gradable:
        return max(photographs, key=lambda each: each.quality.score)
    return max(gradable, key=lambda each: (each.graded.grade, each.graded.referable_probability))


def urgency(photograph: Assessed) -> Urgency:
    """How soon a person should look at this eye.

    STAT for proliferative disease; URGENT for referable disease or likely macular edema; CHECK where the machine
    abstains and none of these; else ROUTINE. An ungradable photograph is CHECK, whatever the numbers say; a grade of
    low confidence keeps its own urgency, since doubt about bad news is no reason to wait.
    """
    if not photograph.quality.gradable:
        return Urgency.CHECK
    if photograph.graded.grade >= _PROLIFERATIVE:
        return Urgency.STAT
    if (
        photograph.graded.referable
        or photograph.graded.grade >= REFERABLE_FROM
        or photograph.graded.dme_risk >= _EDEMA_LIKELY
    ):
        return Urgency.URGENT
    return Urgency.CHECK if photograph.graded.abstained else Urgency.ROUTINE


def most_urgent(photographs: Sequence[Assessed]) -> Urgency:
    """The most urgent of several."""
    return min((urgency(each) for each in photographs), key=_MOST_URGENT_FIRST.index)


def findings(by_eye: Mapping[Laterality | None, Assessed]) -> tuple[Finding, ...]:
    """The patient's findings (laterality None, from the worst eye), then those of each eye whose side is known."""
    patient = _findings(worst(list(by_eye.values())), None)
    eyes = [_findings(photograph, side) for side, photograph in by_eye.items() if side is not None]
    return tuple(finding for group in [patient, *eyes] for finding in group)


def _findings(photograph: Assessed, side: Laterality | None) -> list[Finding]:
    """Grade, probability of referable disease and risk of macular edema; without values where ungradable."""
    graded = photograph.graded
    is_gradable = photograph.quality.gradable
    return [
        Finding(
            code=codes.DIABETIC_RETINOPATHY,
            label="dr_grade",
            value=graded.grade if is_gradable else None,
            probabilities=_named(graded.probabilities) if is_gradable else None,
            interval=graded.interval if is_gradable else None,
            laterality=side,
        ),
        Finding(
            code=codes.REFERABLE_RETINOPATHY,
            label="referable_dr",
            value=round(graded.referable_probability, _DIGITS) if is_gradable else None,
            laterality=side,
        ),
        Finding(
            code=codes.DIABETIC_MACULAR_EDEMA,
            label="dme_risk",
            value=graded.dme_risk if is_gradable else None,
            probabilities=_named(graded.dme_probabilities) if is_gradable else None,
            laterality=side,
        ),
    ]


def _named(probabilities: Sequence[float]) -> dict[str, float]:
    """Class number as text -> probability."""
    return {str(number): round(value, _DIGITS) for number, value in enumerate(probabilities)}
