"""How many images an object's header says there are: the only evidence of what did not come.

Only elements that count images of one series or one study are believed. Instance numbers may begin anywhere, and most
"Number of ..." elements count positions, phases or echoes of a protocol, not images that were made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: Images of the series and of the study, which archives write when they send: PS3.4 Table C.6.1-5 and C.6.1-3.
SERIES_INSTANCES: Final = 0x00201209
STUDY_INSTANCES: Final = 0x00201208
#: Images that resulted from this acquisition, PS3.3 C.7.6.1. They may lie in several series, but never in two studies.
IMAGES_IN_ACQUISITION: Final = 0x00201002
#: Objects that one multi-frame image was cut into, PS3.3 C.7.6.16.2.2.4.
CONCATENATION_TOTAL: Final = 0x00209163
#: PET Series Module, PS3.3 C.8.9.1; Image Index (PS3.3 C.8.9.4) counts the images of a series by these.
SERIES_TYPE: Final = 0x00541000
SLICES: Final = 0x00540081
RR_INTERVALS: Final = 0x00540061
TIME_SLOTS: Final = 0x00540071
TIME_SLICES: Final = 0x00540101
#: What the slices of a PET series are repeated over, by the first value of its type.
_PET_REPEATS: Final = {
    "STATIC": (),
    "WHOLE BODY": (),
    "DYNAMIC": (TIME_SLICES,),
    "GATED": (RR_INTERVALS, TIME_SLOTS),
}
_TOMOGRAMS: Final = "IMAGE"  # the type's second value; REPROJECTION counts views
TAGS: Final = frozenset({SERIES_INSTANCES, STUDY_INSTANCES, IMAGES_IN_ACQUISITION, CONCATENATION_TOTAL}) | {
    SERIES_TYPE,
    SLICES,
    RR_INTERVALS,
    TIME_SLOTS,
    TIME_SLICES,
}

#: Reads an element by its tag; None where it is absent or no such value.
ReadsNumber = Callable[[int], int | None]
ReadsText = Callable[[int], str | None]


def in_series(whole: ReadsNumber, short: ReadsNumber, text: ReadsText) -> int | None:
    """Images that the series holds at least; `whole` reads IS elements, `short` US ones. None where nothing says so."""
    return _most(whole(SERIES_INSTANCES), short(CONCATENATION_TOTAL), _of_pet(short, text))


def in_study(whole: ReadsNumber) -> int | None:
    """Images that the study holds at least; None where nothing says so."""
    return _most(whole(STUDY_INSTANCES), whole(IMAGES_IN_ACQUISITION))


def _most(*counts: int | None) -> int | None:
    return max((count for count in counts if count is not None and count > 0), default=None)


def _of_pet(short: ReadsNumber, text: ReadsText) -> int | None:
    kind, _, content = (text(SERIES_TYPE) or "").partition("\\")
    if kind not in _PET_REPEATS or content != _TOMOGRAMS:
        return None
    images = short(SLICES) or 0
    for tag in _PET_REPEATS[kind]:
        images *= short(tag) or 0
    return images
