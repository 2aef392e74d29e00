"""From segmented hippocampi to what is said of the patient: volumes, asymmetry, doubts and urgency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.core import codes
from pipelines.core.types import Code, Finding, Laterality, Quality, Urgency

LOW_PREDICTED_QUALITY: Final = "low_predicted_quality"
IMPLAUSIBLE_VOLUME: Final = "implausible_volume"
TOUCHES_BORDER: Final = "touches_border"
SEVERAL_PARTS: Final = "several_parts"
#: The reasons to leave a measurement to a person, the graver ones first.
REASONS: Final = (LOW_PREDICTED_QUALITY, IMPLAUSIBLE_VOLUME, SEVERAL_PARTS, TOUCHES_BORDER)

#: One adult hippocampus in ml. In 19,700 people of 45 to 80 years the 2.5th to 97.5th percentiles lie between about
#: 2.7 and 5.0 (Nobis et al., NeuroImage: Clinical 2019;23:101904); manual outlines of patients with Alzheimer's disease
#: go down to 2 (Boccardi et al., Alzheimers Dement 2015;11:175-83). Outside of it a failed outline is as likely as
#: disease.
PLAUSIBLE_ML: Final = (2.0, 5.0)
_DIGITS: Final = 4  # of millilitres: a tenth of a cubic millimetre, far below any error
_PARTS: Final[Mapping[str, Code]] = {"anterior": codes.ANTERIOR_HIPPOCAMPUS, "posterior": codes.POSTERIOR_HIPPOCAMPUS}
_WHOLE: Final = "hippocampus"


@dataclass(frozen=True, slots=True)
class VolumeError:
    """95 % of the measured relative errors of a structure's volume lie from `low` to `high` (0.1: 10 % too much)."""

    low: float
    high: float

    def interval(self, volume: float) -> tuple[float, float]:
        """Where the true volume lies for a measured one: measured = true * (1 + error)."""
        return round(volume / (1 + self.high), _DIGITS), round(volume / (1 + self.low), _DIGITS)


@dataclass(frozen=True, slots=True)
class Measured:
    """One hippocampus: volumes in ml by structure, counted on the model's grid, and what speaks against them."""

    laterality: Laterality | None
    volumes: Mapping[str, float]
    quality: Quality
    doubts: tuple[str, ...]

    @property
    def total(self) -> float:
        """The whole hippocampus in ml."""
        return sum(self.volumes.values())

    @property
    def abstain_reason(self) -> str | None:
        """The gravest doubt; None where there is none."""
        return next((reason for reason in REASONS if reason in self.doubts), None)


def is_plausible(total: float) -> bool:
    """Whether an adult's hippocampus can have this volume in ml."""
    return PLAUSIBLE_ML[0] <= total <= PLAUSIBLE_ML[1]


def asymmetry(left: float, right: float) -> float:
    """Difference of left and right in percent of their mean, positive where the left one is larger."""
    return 200 * (left - right) / (left + right)


def findings(measured: Sequence[Measured], errors: Mapping[str, VolumeError]) -> tuple[Finding, ...]:
    """Volumes of each side, then the asymmetry where both sides were measured and hold something."""
    found = [finding for each in measured for finding in _volumes(each, errors)]
    by_side = {each.laterality: each for each in measured if each.total > 0}
    if {Laterality.LEFT, Laterality.RIGHT} <= set(by_side):
        found.append(_asymmetry(by_side[Laterality.LEFT].total, by_side[Laterality.RIGHT].total, errors))
    return tuple(found)


def urgency(measured: Sequence[Measured]) -> Urgency:
    """CHECK where a measurement is in doubt, else ROUTINE: no volume of a hippocampus is an emergency."""
    return Urgency.CHECK if any(each.abstain_reason for each in measured) else Urgency.ROUTINE


def worst(measured: Sequence[Measured]) -> Measured:
    """The one that limits what may be said: in doubt first, then of the lowest quality."""
    return min(measured, key=lambda each: (each.abstain_reason is None, each.quality.score))


def _volumes(measured: Measured, errors: Mapping[str, VolumeError]) -> list[Finding]:
    volumes = [(name, _PARTS[name], measured.volumes[name]) for name in _PARTS]
    return [
        Finding(
            code=code,
            label=name,
            value=round(volume, _DIGITS) if measured.total else None,
            unit="ml",
            interval=errors[name].interval(volume) if name in errors and measured.total else None,
            laterality=measured.laterality,
        )
        for name, code, volume in [*volumes, (_WHOLE, codes.HIPPOCAMPUS, measured.total)]
    ]


def _asymmetry(left: float, right: float, errors: Mapping[str, VolumeError]) -> Finding:
    """With the interval that follows where each side errs by itself, at its own limit."""
    interval = None
    if _WHOLE in errors:
        (low_left, high_left), (low_right, high_right) = (errors[_WHOLE].interval(side) for side in (left, right))
        middle = asymmetry(left, right)
        below = ((middle - asymmetry(low_left, right)) ** 2 + (middle - asymmetry(left, high_right)) ** 2) ** 0.5
        above = ((asymmetry(high_left, right) - middle) ** 2 + (asymmetry(left, low_right) - middle) ** 2) ** 0.5
        interval = (round(middle - below, 2), round(middle + above, 2))
    return Finding(
        code=codes.HIPPOCAMPAL_ASYMMETRY,
        label="asymmetry",
        value=round(asymmetry(left, right), 2),
        unit="%",
        interval=interval,
    )
