"""Which series of a study hippocampi are outlined on: T1 where its header says so, thin enough, and wide enough."""

from __future__ import annotations

from typing import Final

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.contrast import Weighting
from pipelines.imaging.volume_plan import VolumePlan

#: Thicker slices cut the structure, 20 to 30 mm high, into too few pieces; the network learned up to 2.6 mm.
MAX_SPACING_MM: Final = 3.0
#: A field of view narrower than this cannot hold a hippocampus (about 15 x 45 x 20 mm) with anything around it.
MIN_EXTENT_MM: Final = 20.0
_READ: Final = frozenset({Weighting.T1, Weighting.UNKNOWN})


def rank(plan: VolumePlan) -> tuple[float, ...]:
    """T1 by its header first, then the thinnest slices, then the most voxels.

    Raises UnsuitableInput with code wrong_contrast, slices_too_thick or field_of_view_too_small. A series whose header
    does not say how it is weighted is read (crops, reconstructions and NIfTI files say nothing), after any T1.
    """
    if plan.weighting not in _READ:
        raise UnsuitableInput(
            f"the series is {plan.weighting.value} weighted, the model reads T1", code="wrong_contrast"
        )
    thickest = max(plan.grid.spacing)
    if thickest > MAX_SPACING_MM:
        raise UnsuitableInput(
            "its voxels are too long for outlines of a hippocampus",
            code="slices_too_thick",
            spacing_mm=round(thickest, 2),
            most_mm=MAX_SPACING_MM,
        )
    if min(plan.grid.extent) < MIN_EXTENT_MM:
        raise UnsuitableInput(
            "its field of view cannot hold a hippocampus",
            code="field_of_view_too_small",
            extent_mm=round(min(plan.grid.extent), 1),
            least_mm=MIN_EXTENT_MM,
        )
    return float(plan.weighting is not Weighting.T1), round(thickest, 1), -float(plan.voxels)
