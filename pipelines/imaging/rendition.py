"""How a camera renders a retina, in figures: colours, contrasts, light towards the rim, and the frame around it."""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.fundus import DARK_FLOOR, Picture, brightest

#: Colours and light need no more; all of it together takes under a millisecond.
SIDE: Final = 112  # px
#: The rings in which light is compared, in half sides from the middle.
_RINGS: Final = ((0.0, 0.3), (0.3, 0.6), (0.6, 1.0))
#: Grey levels added before a logarithm or below a division, so that a black picture has figures too.
_FLOOR: Final = 1.0


def rendition(square: Picture) -> NDArray[np.float32]:
    """(size, size, 3) uint8, as `prepare` gives it -> (14,) float32.

    Log mean of each channel (3), log standard deviation (3), correlations RG, GB, RB, light of the two outer rings over
    the inner one in green (2) and red (2) as logarithms, and the share of the square that is lit: cameras cut their
    round field differently.
    """
    small = np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    lit = brightest(small) > DARK_FLOOR
    pixels = small.astype(np.float32)
    inside = pixels[lit] if lit.any() else pixels.reshape(-1, 3)
    mean, spread = inside.mean(axis=0), inside.std(axis=0)
    shared = (inside - mean).T @ (inside - mean) / len(inside)
    ratio = shared / (np.outer(spread, spread) + _FLOOR)
    rings = [_light(pixels, lit & ring) for ring in _masks()]
    towards = [np.log(ring[channel] / rings[0][channel]) for channel in (1, 0) for ring in rings[1:]]
    figures = [*np.log(mean + _FLOOR), *np.log(spread + _FLOOR), ratio[0, 1], ratio[1, 2], ratio[0, 2], *towards]
    return np.array([*figures, lit.mean()], np.float32)


@cache
def _masks() -> tuple[NDArray[np.bool_], ...]:
    """The rings as (SIDE, SIDE) masks."""
    away = (np.arange(SIDE) - (SIDE - 1) / 2) / (SIDE / 2)
    radius = np.hypot(away[:, None], away[None])
    return tuple((low <= radius) & (radius < high) for low, high in _RINGS)


def _light(pixels: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mean (3,) of the pixels there, never nought."""
    mean = pixels[where].mean(axis=0) if where.any() else np.zeros(3, np.float32)
    return np.asarray(mean + _FLOOR, np.float32)
