"""What finished networks say about a crop, by the functions of the pipeline: normalise, windows, mirrored views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from monai.networks.nets.dynunet import DynUNet
from numpy.typing import NDArray

from pipelines.nets.segmenter import SegmentationModel
from pipelines.nets.sliding import Tiling, slide
from pipelines.nets.volume_engine import VolumeEngine, choose_volume_engine
from pipelines.training.hippocampus_cases import Labels, Volume


@dataclass(frozen=True, slots=True)
class Segmenter:
    """Members on an engine, and the parameters that decide with them."""

    engine: VolumeEngine
    model: SegmentationModel

    def views(self, image: Volume) -> NDArray[np.float32]:
        """(x, y, z) in any units -> (views, classes, x, y, z) probabilities: every member for every mirror."""
        normalised = self.model.normalisation.apply(image, np.ones(image.shape, bool))
        tiling = Tiling(self.model.patch, self.model.overlap, batch=1)
        answers = []
        for member in range(self.engine.members):
            for axes in self.model.mirrors:
                flipped = np.ascontiguousarray(np.flip(normalised, axes))
                answer = slide(flipped, tiling, partial(self.engine.run, member))
                answers.append(np.flip(answer, tuple(axis + 1 for axis in axes)))
        return np.stack(answers)


def segmenter(members: tuple[DynUNet, ...], model: SegmentationModel) -> Segmenter:
    """The members on the engine that this machine's pipeline would use."""
    return Segmenter(choose_volume_engine(members), model)


def labels_of(views: NDArray[np.float32]) -> Labels:
    """(views, classes, x, y, z) -> (x, y, z) uint8, the class of the highest mean probability."""
    return np.asarray(views.mean(axis=0).argmax(axis=0), np.uint8)


def dice(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Dice coefficient of two outlines; 1 where both are empty."""
    total = int(found.sum()) + int(true.sum())
    return 2 * int((found & true).sum()) / total if total else 1.0


def dice_by_structure(found: Labels, true: Labels, structures: Mapping[str, int]) -> dict[str, float]:
    """Dice coefficient of each structure."""
    return {name: dice(found == label, true == label) for name, label in structures.items()}
