"""What a segmentation is looked at by: volumes on the source's own grid, their meaning, and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core import codes
from pipelines.core.types import Artifact, Code, Laterality
from pipelines.imaging.grid import Volume
from pipelines.imaging.montage import COLOURS, Part, Shown, montage
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.regions import labels_onto, values_onto
from pipelines.imaging.segments import LABELS_NAME, Segment, segments_artifact, segments_of
from pipelines.imaging.volume_plan import VolumePlan
from pipelines.outlines import Outline

Labels = NDArray[np.uint8]

NIFTI: Final = "application/x-nifti"
_MODIFIERS: Final[Mapping[str, Code]] = {"anterior": codes.ANTERIOR, "posterior": codes.POSTERIOR}
_CAPTIONS: Final[Mapping[Laterality | None, str]] = {
    Laterality.LEFT: "Left hippocampus",
    Laterality.RIGHT: "Right hippocampus",
    None: "Hippocampus, side unknown",
}
#: Intensities that are whole numbers in this range are stored as such: half the bytes.
_INT16: Final = np.iinfo(np.int16)


def artifacts(
    plan: VolumePlan,
    volume: Volume,
    outlines: Sequence[Outline],
    cams: Sequence[NDArray[np.float32]],
    structures: Mapping[str, int],
) -> tuple[Artifact, ...]:
    """The source volume, labels, uncertainty and Grad-CAM as NIfTI on the source grid, the labels' meaning, a picture.

    Labels: the first hippocampus takes 1 .. n, a second one n + 1 .. 2 n, in the order of `structures`.
    """
    labels = labels_on_source(volume, outlines, structures)
    described = [segment for at, outline in enumerate(outlines) for segment in _segments(at, outline, structures)]
    return (
        _nifti("volume.nii.gz", "volume", _compact(volume.array), volume),
        _nifti(LABELS_NAME, "segmentation", labels, volume),
        segments_artifact(segments_of(plan, described)),
        _map("uncertainty.nii.gz", "uncertainty", volume, outlines, [each.uncertainty for each in outlines]),
        _map("gradcam.nii.gz", "explanation", volume, outlines, cams),
        Artifact("preview.png", "preview", "image/png", montage(volume, labels, _rows(outlines, structures))),
    )


def labels_on_source(volume: Volume, outlines: Sequence[Outline], structures: Mapping[str, int]) -> Labels:
    """All outlines as labels (i, j, k) uint8 on the source grid; labels are resampled, never probabilities."""
    labels = np.zeros(volume.grid.shape, np.uint8)
    for at, outline in enumerate(outlines):
        numbers = _numbers(at, structures)
        table = np.zeros(max(structures.values()) + 1, np.uint8)
        for name, own in structures.items():
            table[own] = numbers[name]
        labels_onto(labels, volume.grid, table[outline.labels], outline.crop.volume.grid)
    return labels


def _map(
    name: str, kind: str, volume: Volume, outlines: Sequence[Outline], maps: Sequence[NDArray[np.float32]]
) -> Artifact:
    """Maps of 0-1 on the source grid, 0 where the network did not look."""
    target = np.zeros(volume.grid.shape, np.float32)
    for outline, values in zip(outlines, maps, strict=True):
        values_onto(target, volume.grid, values, outline.crop.volume.grid)
    return _nifti(name, kind, target, volume)


def _nifti(name: str, kind: str, array: NDArray[np.float32] | NDArray[np.int16] | Labels, volume: Volume) -> Artifact:
    return Artifact(name, kind, NIFTI, write_nifti(array, volume.grid))


def _compact(array: NDArray[np.float32]) -> NDArray[np.float32] | NDArray[np.int16]:
    """Whole numbers as such where they fit."""
    if _INT16.min <= float(array.min()) and float(array.max()) <= _INT16.max:
        rounded = array.astype(np.int16)
        if np.array_equal(rounded, array):
            return rounded
    return array


def _numbers(at: int, structures: Mapping[str, int]) -> Mapping[str, int]:
    return {name: at * len(structures) + rank for rank, name in enumerate(structures, start=1)}


def _segments(at: int, outline: Outline, structures: Mapping[str, int]) -> list[Segment]:
    side = outline.crop.laterality
    return [
        Segment(number, f"{_CAPTIONS[side]}, {name} part", codes.HIPPOCAMPUS, (_MODIFIERS[name],), side)
        for name, number in _numbers(at, structures).items()
    ]


def _rows(outlines: Sequence[Outline], structures: Mapping[str, int]) -> list[Shown]:
    return [
        Shown(
            _CAPTIONS[outline.crop.laterality],
            tuple(
                Part(number, name, colour)
                for (name, number), colour in zip(_numbers(at, structures).items(), COLOURS, strict=True)
            ),
        )
        for at, outline in enumerate(outlines)
    ]
