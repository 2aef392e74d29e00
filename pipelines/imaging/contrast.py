"""Which weighting an MR image has, from the times of its acquisition; names are the last resort.

Ranges after McRobbie et al., MRI from Picture to Proton, 3rd ed. 2017, chapters 3 and 12, and Jack et al., J Magn Reson
Imaging 2008;27:685-91 (MPRAGE of ADNI: TI 853-1000 ms, TE 2.9-4 ms). Vendors state the repetition time of MPRAGE
differently (Siemens the 2300 ms between inversions, Philips and GE the 6-10 ms between echoes), so that it decides
nothing where an inversion or a magnetisation preparation is stated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pipelines.imaging.frames import ContrastFacts


class Weighting(StrEnum):
    """What mostly makes the contrast of an MR image."""

    T1 = "T1"  #: longitudinal relaxation: fluid dark, white matter bright
    T2 = "T2"  #: transverse relaxation: fluid bright
    FLAIR = "FLAIR"  #: T2 with the fluid's signal nulled
    PROTON_DENSITY = "PD"  #: neither relaxation
    T2_STAR = "T2*"  #: gradient echoes with long echo times
    STIR = "STIR"  #: short inversion time: fat nulled
    DIFFUSION = "diffusion"  #: motion of water
    PERFUSION = "perfusion"  #: flow of blood
    UNKNOWN = "unknown"  #: nothing in the header decides


#: Acquisition Contrast (0008,9209), PS3.3 C.8.13.3.1.2: what an enhanced object says of itself.
_STATED: Final[Mapping[str, Weighting]] = {
    "T1": Weighting.T1,
    "T2": Weighting.T2,
    "T2_STAR": Weighting.T2_STAR,
    "PROTON_DENSITY": Weighting.PROTON_DENSITY,
    "FLUID_ATTENUATED": Weighting.FLAIR,
    "STIR": Weighting.STIR,
    "DIFFUSION": Weighting.DIFFUSION,
    "PERFUSION": Weighting.PERFUSION,
}
#: The words by which protocols are called, the more telling ones first. T1 last: "T2 FLAIR T1map" is none.
_NAMES: Final[tuple[tuple[str, Weighting], ...]] = (
    (r"flair|dark.?fluid|tirm", Weighting.FLAIR),
    (r"dwi|dti|diff|adc", Weighting.DIFFUSION),
    (r"asl|perf|dsc", Weighting.PERFUSION),
    (r"t2\W?\*|t2.?star|swi|gre_field|b0.?map", Weighting.T2_STAR),
    (r"stir", Weighting.STIR),
    (r"(?<![a-z0-9])t2(?![0-9])", Weighting.T2),
    (r"mp2?rage|spgr|bravo|mpr(?![a-z])|(?<![a-z0-9])t1(?![0-9])", Weighting.T1),
)
_SHORT_TE: Final = 30.0  # ms: below it a spin echo has little T2 weighting
_LONG_TE: Final = 60.0
_SHORT_TR: Final = 1000.0
_LONG_TR: Final = 1800.0
_FLAIR_TI: Final = 1500.0  # fluid is nulled at 1700 (short TR) to 2800 ms
_STIR_TI: Final = 300.0  # fat is nulled at 130 to 260 ms
_GRADIENT_TE: Final = 12.0  # a gradient echo beyond it shows T2*
_FAST_TR: Final = 50.0
_LARGE_FLIP: Final = 40.0  # degrees, in slow (2D) spoiled gradient echoes


def weighting(facts: ContrastFacts) -> Weighting:
    """The weighting that the stated contrast, else the times, else (where times are missing) the names speak for."""
    if facts.contrast in _STATED:
        return _STATED[facts.contrast]
    if facts.echo_time is not None:
        by_times = _by_times(facts, facts.echo_time)
        if by_times is not Weighting.UNKNOWN or facts.repetition_time is not None:
            return by_times
    return _by_name(facts)


def _by_times(facts: ContrastFacts, echo: float) -> Weighting:
    if "EP" in facts.sequence:
        return Weighting.DIFFUSION if _by_name(facts) is Weighting.DIFFUSION else Weighting.T2_STAR
    if facts.inversion_time:
        return _inverted(facts.inversion_time, echo)
    if "GR" in facts.sequence or "GRADIENT" in facts.sequence:
        return _gradient(facts, echo)
    if facts.repetition_time is not None and {"SE", "SPIN"} & set(facts.sequence):
        return _spin(facts.repetition_time, echo)
    return Weighting.UNKNOWN


def _inverted(inversion: float, echo: float) -> Weighting:
    """Inversion recovery: by what its inversion time nulls."""
    if inversion >= _FLAIR_TI:
        return Weighting.FLAIR if echo >= _LONG_TE else Weighting.UNKNOWN
    if inversion < _STIR_TI:
        return Weighting.STIR
    return Weighting.T1 if echo < _SHORT_TE else Weighting.UNKNOWN


def _gradient(facts: ContrastFacts, echo: float) -> Weighting:
    """Gradient echoes: T1 where they are short and spoiled or prepared, T2* where the echo comes late."""
    if echo >= _GRADIENT_TE:
        return Weighting.T2_STAR
    if {"MP", "SP"} & set(facts.variant) or facts.repetition_time is None:
        repetition, flip = facts.repetition_time or 0.0, facts.flip_angle or 0.0
        is_prepared = "MP" in facts.variant
        return Weighting.T1 if is_prepared or repetition <= _FAST_TR or flip >= _LARGE_FLIP else Weighting.UNKNOWN
    return Weighting.UNKNOWN


def _spin(repetition: float, echo: float) -> Weighting:
    if repetition <= _SHORT_TR:
        return Weighting.T1 if echo <= _SHORT_TE else Weighting.UNKNOWN
    if repetition < _LONG_TR:
        return Weighting.UNKNOWN
    if echo >= _LONG_TE:
        return Weighting.T2
    return Weighting.PROTON_DENSITY if echo <= _SHORT_TE else Weighting.UNKNOWN


def _by_name(facts: ContrastFacts) -> Weighting:
    text = " ".join(facts.names).lower()
    return next((kind for pattern, kind in _NAMES if re.search(pattern, text)), Weighting.UNKNOWN)
