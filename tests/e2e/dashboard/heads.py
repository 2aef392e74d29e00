"""A real head as the files of a segmentation: the MNI template with two ellipsoids where the hippocampi lie."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core import codes
from pipelines.core.types import Laterality
from pipelines.imaging.grid import Grid
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.segments import LABELS_NAME, NAME, Segment, Segments, segments_artifact
from tests.e2e.dashboard.written import brain

#: Every second voxel of the template: enough to look at, quick to send.
STEP: Final = 2
#: Of the template, which lies with its front at the top in `brain` (nilearn's file says the same in RAS).
ORIGIN_MM: Final = (-98.0, -134.0, -72.0)
#: Middles (mm, RAS) and half axes of the two ellipsoids.
MIDDLES: Final[Mapping[Laterality, tuple[float, float, float]]] = {
    Laterality.LEFT: (-27.0, -22.0, -14.0),
    Laterality.RIGHT: (27.0, -22.0, -14.0),
}
HALF_MM: Final = (6.0, 18.0, 6.0)
PARTS: Final = (("anterior", codes.ANTERIOR), ("posterior", codes.POSTERIOR))


def grid() -> Grid:
    """Voxels of 2 mm, the first axis to the left as scanners often have it."""
    shape = _head().shape
    affine = np.diag([-float(STEP), float(STEP), float(STEP), 1.0])
    affine[:3, 3] = (-ORIGIN_MM[0], ORIGIN_MM[1], ORIGIN_MM[2])
    return Grid((shape[0], shape[1], shape[2]), affine)


@cache
def _head() -> NDArray[np.int16]:
    voxels = brain()[:, ::-1].transpose(2, 1, 0)[::-STEP, ::STEP, ::STEP]
    return np.ascontiguousarray(voxels).astype(np.int16) * 4


def segments() -> Segments:
    """Left and right, each with its front and back part."""
    found = [
        Segment(
            number,
            f"{'Left' if side is Laterality.LEFT else 'Right'} hippocampus, {part} part",
            codes.HIPPOCAMPUS,
            (code,),
            side,
        )
        for number, (side, (part, code)) in enumerate(((side, part) for side in MIDDLES for part in PARTS), start=1)
    ]
    return Segments(tuple(found), grid(), "", ())


@cache
def labels() -> NDArray[np.uint8]:
    """(i, j, k): 1 and 2 the left one's front and back, 3 and 4 the right one's."""
    place = grid()
    voxels = np.indices(place.shape).reshape(3, -1).T
    mm = voxels @ place.affine[:3, :3].T + place.affine[:3, 3]
    drawn = np.zeros(len(mm), np.uint8)
    for at, middle in enumerate(MIDDLES.values()):
        offset = mm - middle
        inside = ((offset / HALF_MM) ** 2).sum(axis=1) <= 1
        drawn[inside] = np.where(offset[inside, 1] > 0, 1, 2) + at * len(PARTS)
    return drawn.reshape(place.shape)


@cache
def head_files() -> Mapping[str, bytes]:
    """The artifacts by name: volume, outlines and what they mean, uncertainty and heat-map."""
    doubt = np.where(labels() > 0, 0.3, 0).astype(np.float32)
    return {
        "volume.nii.gz": write_nifti(_head(), grid()),
        LABELS_NAME: write_nifti(labels(), grid()),
        NAME: segments_artifact(segments()).content,
        "uncertainty.nii.gz": write_nifti(doubt, grid()),
        "gradcam.nii.gz": write_nifti(doubt * 3, grid()),
    }


def voxels_of(part: str, side: str) -> int:
    """How many voxels the model's outline gives a part of the hippocampus of one side, "L" or "R"."""
    numbers = {("anterior", "L"): 1, ("posterior", "L"): 2, ("anterior", "R"): 3, ("posterior", "R"): 4}
    return int(np.count_nonzero(labels() == numbers[part, side]))
