"""Where the two hippocampi lie in a head: boxes of the size and pose that the segmentation was trained on.

The template's hippocampi: Frazier et al. (Harvard-Oxford subcortical atlas), Am J Psychiatry 2005;162:1256-65, centres
about x = +-26, y = -22, z = -14. The box's centre and pose were measured, not taken from an atlas: training crops
(Medical Segmentation Decathlon, task 4), registered to the template, have their centres at x = -24.8, y = -23.7,
z = -11.1 (standard deviation 1 mm) and are pitched by -9.1 degrees (8.7) against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.core.errors import UnsuitableInput
from pipelines.core.types import Laterality
from pipelines.imaging.grid import Affine, Grid, Volume
from pipelines.imaging.registration import register

#: Voxels of 1 mm along right, anterior, superior: training crops have 35 x 50 x 36 in the median and show 5 to 7 mm
#: around the hippocampus; this adds what a registration may be off.
BOX: Final = (40, 56, 40)
_CENTRES_MM: Final[Mapping[Laterality, tuple[float, float, float]]] = {
    Laterality.LEFT: (-25.0, -24.0, -11.0),
    Laterality.RIGHT: (25.0, -24.0, -11.0),
}
_PITCH_DEGREES: Final = -9.0
#: Registered.score below it: no T1 head, or one that was not found. See docs/decisions/0067.
LEAST_SCORE: Final = 0.36
#: A field of view as wide as this along all axes holds more than one hippocampus.
_WHOLE_HEAD_MM: Final = 90.0


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """`boxes` are grids of 1 mm voxels, axes near right, anterior, superior, turned with the head.

    `score` is Registered.score, `transform` takes MNI to the volume's RAS millimetres, (4, 4).
    """

    boxes: Mapping[Laterality, Grid]
    score: float
    transform: Affine


def is_whole_head(grid: Grid) -> bool:
    """Whether the field of view is a head's; a smaller one shows one hippocampus, cropped before."""
    return min(grid.extent) >= _WHOLE_HEAD_MM


def locate_hippocampi(volume: Volume) -> Located:
    """Boxes around both hippocampi of a T1 head; `resample(volume, box)` crops one.

    The boxes are turned with the head, not stretched: a millimetre stays one. Raises UnsuitableInput with code
    localisation_poor and the score where the head does not match the template.
    """
    found = register(volume)
    if found.score < LEAST_SCORE:
        raise UnsuitableInput(
            "the volume does not look like a T1-weighted head",
            code="localisation_poor",
            score=round(found.score, 3),
            least=LEAST_SCORE,
        )
    turn = _rotation(found.transform) @ _pitched(_PITCH_DEGREES)
    boxes = {side: _box(found.transform, turn, np.array([*centre, 1.0])) for side, centre in _CENTRES_MM.items()}
    return Located(boxes, found.score, found.transform)


def _box(transform: Affine, turn: Affine, centre: Affine) -> Grid:
    """A box around a place in MNI, its axes those of `turn` (3, 3)."""
    affine = np.eye(4)
    affine[:3, :3] = turn
    affine[:3, 3] = (transform @ centre)[:3] - turn @ ((np.array(BOX) - 1) / 2)
    return Grid(BOX, affine)


def _rotation(transform: Affine) -> Affine:
    """The rotation nearest to an affine transform: the orthogonal factor of its polar decomposition."""
    left, _, right = np.linalg.svd(transform[:3, :3])
    return np.asarray(left @ right)


def _pitched(degrees: float) -> Affine:
    """A rotation about the axis from left to right."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
