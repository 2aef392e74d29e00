"""Chooses the one series of a study that a 3D model should read, and says why it is not another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipelines.core.errors import BadInput, UnsuitableInput
from pipelines.core.types import InstanceFile
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.dicom import read_header
from pipelines.imaging.foreign import kind_of_class
from pipelines.imaging.volume_plan import NOMINAL_SPACING, VolumePlan, plan_volume

#: Lower is better; raises UnsuitableInput for a volume that the model does not read.
Rank = Callable[[VolumePlan], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A series that was not read: its number where it has one, a stable code and the reason."""

    number: int | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The volume to read, the number of its series, and the others in the order of their numbers."""

    plan: VolumePlan
    number: int | None
    others: tuple[PassedOver, ...]

    def described(self) -> Mapping[str, object]:
        """As the receipt states it: numbers and reasons, no names."""
        return {
            "series_number": self.number,
            "weighting": self.plan.weighting.value,
            "geometry_notes": [
                {"code": note.code, "sentence": note.sentence, **note.facts} for note in self.plan.notes
            ],
            "series_not_read": [
                {"series_number": other.number, "code": other.code, "reason": other.reason} for other in self.others
            ],
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    plan: VolumePlan
    number: int | None
    rank: tuple[float, ...]


def choose_series(instances: Sequence[InstanceFile], decoder: Decoder, rank: Rank) -> Choice:
    """The series whose volume ranks best; equal ones by the lower number, then by the UID.

    Raises UnsuitableInput: with the one series' own code where there is one, else with code no_usable_series and the
    reason of each by its number.
    """
    candidates: list[_Candidate] = []
    refused: list[tuple[PassedOver, BadInput]] = []
    ordered = sorted(instances, key=lambda instance: instance.series_instance_uid)
    for _, group in groupby(ordered, key=lambda instance: instance.series_instance_uid):
        series = list(group)
        number = _number(series[0])
        try:
            plan = _measurable(plan_volume(series, decoder))
            candidates.append(_Candidate(plan, number, rank(plan)))
        except BadInput as error:
            refused.append((PassedOver(number, error.code, error.sentence), error))
    if not candidates:
        raise _none_usable(refused)
    best, *rest = sorted(candidates, key=lambda each: (each.rank, _order(each.number)))
    others = [PassedOver(each.number, "another_ranks_higher", "another series suits the model better") for each in rest]
    everyone = [*others, *(passed for passed, _ in refused)]
    return Choice(best.plan, best.number, tuple(sorted(everyone, key=lambda each: _order(each.number))))


def _measurable(plan: VolumePlan) -> VolumePlan:
    """The plan, unless its voxels' size is only assumed; raises UnsuitableInput (geometry_nominal)."""
    if any(note.code == NOMINAL_SPACING for note in plan.notes):
        raise UnsuitableInput("the size of the voxels is not known, so volumes cannot be told", code="geometry_nominal")
    return plan


def _none_usable(refused: Sequence[tuple[PassedOver, BadInput]]) -> BadInput:
    if not refused:
        return UnsuitableInput("the study holds no series of a kind that is read", code="no_usable_series")
    if len(refused) == 1:
        return refused[0][1]
    reasons = "; ".join(f"series {passed.number or 'without a number'}: {passed.reason}" for passed, _ in refused)
    return UnsuitableInput(f"no series of the study can be read: {reasons}", code="no_usable_series")


def _number(instance: InstanceFile) -> int | None:
    """Series Number (0020,0011); files that are no DICOM have none."""
    return None if kind_of_class(instance.sop_class_uid) else read_header(instance.path).series_number


def _order(number: int | None) -> tuple[bool, int]:
    return number is None, number or 0
