"""One hippocampus from crop to outline: normalisation, every view, the joint answer and what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipelines import hippocampi
from pipelines.core.types import Laterality, Quality
from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.regions import box, covered
from pipelines.imaging.resample import resample
from pipelines.nets.ladder import Rung
from pipelines.nets.segmentation_quality import expected_dice
from pipelines.nets.segmenter import SegmentationModel
from pipelines.nets.sliding import Tiling
from pipelines.nets.views import all_views, entropy, window_over
from pipelines.nets.volume_engine import VolumeEngine

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]

#: Three halvings on the U-Net's way down.
STEP: Final = 8
#: A second part of this share of the first is no crumb: the crop may hold both sides, or the outline is torn.
_SECOND_PART: Final = 0.3
#: Voxels (mm) by which a first look may be off the middle before the box is moved.
_OFF_MIDDLE: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """What the network gets to see: a volume on the model's grid, and which of its voxels the source covers."""

    laterality: Laterality | None
    volume: Volume
    inside: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y, z."""
        return self.volume.grid.shape


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """`labels` (x, y, z) as the model numbers its structures, `normalised` what it read, `uncertainty` 0-1."""

    crop: Crop
    normalised: Array
    labels: Labels
    uncertainty: Array
    measured: hippocampi.Measured

    @property
    def structure(self) -> NDArray[np.bool_]:
        """All of it, whichever part."""
        return self.labels > 0


def cut(volume: Volume, grid: Grid, laterality: Laterality | None) -> Crop:
    """A box of a head."""
    return Crop(laterality, resample(volume, grid), covered(grid, volume.grid))


def whole(volume: Volume, laterality: Laterality | None) -> Crop:
    """A volume that is a crop already."""
    return Crop(laterality, volume, np.ones(volume.grid.shape, bool))


def outlined(crop: Crop, model: SegmentationModel, engine: VolumeEngine, rung: Rung) -> Outline:
    """Every member and view; raises MemoryError."""
    normalised = _normalised(crop, model)
    views = all_views(normalised, engine, model.mirrors, tiling(crop, model, rung))
    mean = views.mean(axis=0)
    labels, rest = _largest(np.asarray(mean.argmax(axis=0), np.uint8) * crop.inside)
    doubts = _doubts(crop, labels, rest)
    predicted = expected_dice(views, model.structures, model.quality)
    volumes = {
        name: float((labels == number).sum()) * crop.volume.grid.voxel_ml for name, number in model.structures.items()
    }
    score = min(predicted.values())
    if score < model.quality.threshold:
        doubts = (hippocampi.LOW_PREDICTED_QUALITY, *doubts)
    if not hippocampi.is_plausible(sum(volumes.values())):
        doubts = (*doubts, hippocampi.IMPLAUSIBLE_VOLUME)
    quality = Quality(score >= model.quality.threshold, round(score, 4), doubts)
    measured = hippocampi.Measured(crop.laterality, volumes, quality, doubts)
    return Outline(crop, normalised, labels, entropy(mean), measured)


def centred(head: Volume, crop: Crop, model: SegmentationModel, engine: VolumeEngine, rung: Rung) -> Crop:
    """The crop moved so that what a first look (one member, upright) finds is in the middle, in the patch's size.

    Registration places a box within a few millimetres; the network was trained on crops around the structure. Where
    the first look finds nothing the middle stays. Raises MemoryError.
    """
    views = all_views(_normalised(crop, model), engine, ((),), tiling(crop, model, rung), members=1)
    found, _ = _largest(np.asarray(views[0].argmax(axis=0), np.uint8))
    where = np.argwhere(found)
    middle = crop.volume.grid.centre
    if len(where):
        i, j, k = (where.min(axis=0) + where.max(axis=0)) / 2
        seen = crop.volume.grid.point((float(i), float(j), float(k)))
        middle = seen if np.abs(seen - middle).max() > _OFF_MIDDLE else middle
    return cut(head, box(crop.volume.grid, middle, model.patch), crop.laterality)


def tiling(crop: Crop, model: SegmentationModel, rung: Rung) -> Tiling:
    """One window where the crop fits, else windows of the rung's size."""
    return Tiling(window_over(crop.shape, rung, STEP), model.overlap, rung.batch)


def _normalised(crop: Crop, model: SegmentationModel) -> Array:
    """As in training: the statistics are those of the covered voxels, the others get the mean."""
    values = model.normalisation.apply(crop.volume.array, crop.inside)
    return np.where(crop.inside, values, np.float32(0))


def _largest(labels: Labels) -> tuple[Labels, float]:
    """The largest connected part (faces) of all structures together; the share of the next one, in parts of it."""
    parts, count = ndimage.label(labels > 0)
    if count < 2:
        return labels, 0.0
    sizes = np.bincount(parts.ravel())[1:]
    order = np.argsort(-sizes, kind="stable")
    kept = np.where(parts == order[0] + 1, labels, 0).astype(np.uint8)
    return kept, float(sizes[order[1]] / sizes[order[0]])


def _doubts(crop: Crop, labels: Labels, rest: float) -> tuple[str, ...]:
    doubts = []
    if rest >= _SECOND_PART:
        doubts.append(hippocampi.SEVERAL_PARTS)
    if (labels[~ndimage.binary_erosion(crop.inside)] > 0).any():
        doubts.append(hippocampi.TOUCHES_BORDER)
    return tuple(doubts)
