"""Volumes: a 3D array with its place in the patient, in RAS millimetres; read by a plan that passed the gate."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np

from pipelines.core.errors import CorruptPixels, UnsuitableInput
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.grid import Affine, AxisOrder, Grid, Volume, axis_order, ras_grid, to_ras
from pipelines.imaging.slices import GeometryNote
from pipelines.imaging.volume_plan import FramePlace, VolumePlan, plan_volume

__all__ = [
    "Affine",
    "AxisOrder",
    "FramePlace",
    "GeometryNote",
    "Grid",
    "Volume",
    "VolumePlan",
    "axis_order",
    "check_values",
    "place_of_frames",
    "plan_volume",
    "ras_grid",
    "read_volume",
    "to_ras",
]

#: Frames of one call to the decoder, as float32: bounds what child and pipe hold beside the volume itself.
_SLAB_BYTES: Final = 64_000_000


def read_volume(plan: VolumePlan, decoder: Decoder) -> Volume:
    """The planned volume: array (i, j, k) = (column, row, slice) float32 for DICOM, as stored for NIfTI.

    One array is allocated and filled slab by slab; nothing else of its size is held. NaN stays: see check_values.
    Raises CorruptPixels, NoPixelData, UnsuitableInput from the decoder.
    """
    if plan.is_nifti:
        return _checked(decoder.nifti(plan.instances[0].path), plan)
    columns, rows, slices = plan.grid.shape
    stacked = np.empty((slices, rows, columns), np.float32)
    for slab in _slabs(plan):
        frames = decoder.frames(plan.places[slab.start].instance.path, [place.frame for place in plan.places[slab]])
        if frames.array.shape[1:] != (rows, columns):
            raise CorruptPixels("a slice has another size than its header says")
        stacked[slab] = frames.array
    return Volume(stacked.transpose(2, 1, 0), plan.grid)


def check_values(volume: Volume) -> None:
    """Raise UnsuitableInput where a volume shows nothing: NaN or infinite values (volume_not_finite), one value alone
    (volume_constant)."""
    lost = volume.array.size - int(np.isfinite(volume.array).sum())
    if lost:
        raise UnsuitableInput(
            "the volume holds values that are no numbers", code="volume_not_finite", voxels=lost, of=volume.array.size
        )
    if float(volume.array.min()) == float(volume.array.max()):
        raise UnsuitableInput("the volume has one value everywhere", code="volume_constant")


def place_of_frames(plan: VolumePlan) -> tuple[tuple[str, int], ...]:
    """For each k the source picture: SOP Instance UID and frame number counted from 1, as DICOM refers to it."""
    return tuple((place.instance.sop_instance_uid, place.frame + 1) for place in plan.places)


def _slabs(plan: VolumePlan) -> Iterator[slice]:
    """Ranges of k that one file holds, none larger than a slab."""
    columns, rows, _ = plan.grid.shape
    most = max(1, _SLAB_BYTES // (rows * columns * 4))
    start = 0
    for _, group in itertools.groupby(plan.places, key=lambda place: place.instance.path):
        stop = start + sum(1 for _ in group)
        for first in range(start, stop, most):
            yield slice(first, min(first + most, stop))
        start = stop


def _checked(volume: Volume, plan: VolumePlan) -> Volume:
    if volume.grid.shape != plan.grid.shape:
        raise CorruptPixels("the volume has another size than its header says")
    return volume
