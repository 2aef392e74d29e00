"""Every view of a volume by every member: mirrored, slid over, mirrored back; and what their spread says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from monai.networks.nets.dynunet import DynUNet
from numpy.typing import NDArray

from pipelines.nets.ladder import CPU, Rung
from pipelines.nets.sliding import Tiling, slide
from pipelines.nets.volume_engine import OpenVinoVolumeEngine, VolumeEngine, choose_volume_engine

Array = NDArray[np.float32]
Shape = tuple[int, int, int]


@dataclass
class Engines:
    """The engine in use and, once a GPU was too small, the one of the CPU."""

    networks: Sequence[DynUNet]
    first: VolumeEngine = field(init=False)

    def __post_init__(self) -> None:
        """Choose by what the machine has."""
        self.first = choose_volume_engine(self.networks)
        self._on_cpu: VolumeEngine | None = self.first if self.first.device == CPU else None

    def on(self, device: str) -> VolumeEngine:
        """The engine of a rung's device."""
        if device == self.first.device:
            return self.first
        if self._on_cpu is None:
            self.first.free()
            self._on_cpu = OpenVinoVolumeEngine(self.networks)
        return self._on_cpu

    def free(self) -> None:
        """Let compiled networks go."""
        for engine in (self.first, self._on_cpu):
            if engine is not None:
                engine.free()


def window_over(shape: Shape, rung: Rung, step: int) -> Shape:
    """One window over the whole volume where the rung's is large enough, rounded up to what the U-Net halves."""
    x, y, z = (min(-(-length // step) * step, side) for length, side in zip(shape, rung.window, strict=True))
    return x, y, z


def all_views(
    volume: Array, engine: VolumeEngine, mirrors: Sequence[tuple[int, ...]], tiling: Tiling, members: int | None = None
) -> Array:
    """(x, y, z) normalised -> (views, classes, x, y, z) probabilities, the members' views one after another.

    `mirrors` are the axes that each view mirrors; `members` limits how many are asked. Raises MemoryError.
    """
    views = []
    for member in range(engine.members if members is None else members):
        for axes in mirrors:
            answer = slide(np.ascontiguousarray(np.flip(volume, axes)), tiling, partial(engine.run, member))
            views.append(np.flip(answer, tuple(axis + 1 for axis in axes)))
    return np.stack(views)


def entropy(probabilities: Array) -> Array:
    """(classes, x, y, z) -> (x, y, z) float32: 0 where one class is certain, 1 where all are equally likely."""
    logs = np.log(np.clip(probabilities, np.finfo(np.float32).tiny, 1))
    return np.asarray(-(probabilities * logs).sum(axis=0) / np.log(len(probabilities)), np.float32).clip(0, 1)
