"""Figures that say how far an explanation map may be trusted, from what the forward pass left behind."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.fundus import DARK_FLOOR, brightest
from pipelines.nets.cam import Map, evidence, grad_cam, is_degenerate

#: A map with more of its mass than the rest beside the retina explains the camera, not the eye.
LEAST_INSIDE: Final = 0.7
#: Share of the area whose share of the mass is the concentration.
_STRONGEST_AREA: Final = 0.1


def inside_retina(cam: Map, square: NDArray[np.uint8]) -> float:
    """The share of a map's mass (h', w') that lies on the retina of the network's input (h, w, 3) uint8; 0-1."""
    lit = (brightest(square) > DARK_FLOOR).astype(np.float32)
    cover = cv2.resize(lit, cam.shape[::-1], interpolation=cv2.INTER_AREA)
    total = float(cam.sum())
    return float((cam * cover).sum()) / total if total > 0 else 0.0


def concentration(cam: Map) -> float:
    """The share of a map's mass in its strongest tenth of places: 0.1 is even, 1 a spot."""
    ordered = np.sort(cam.ravel())[::-1]
    total = float(ordered.sum())
    strongest = max(1, round(len(ordered) * _STRONGEST_AREA))
    return float(ordered[:strongest].sum()) / total if total > 0 else 0.0


def support(features: NDArray[np.float32], weights: NDArray[np.float32]) -> float:
    """How much of the evidence speaks for the class: positive over positive and negative contributions, 0-1.

    (c, h, w) and (c,): with pooling and a linear head the sum of the contributions is the logit but for its bias. Only
    the positive ones are in the map; below one half it shows the smaller part.
    """
    contributions = evidence(features, weights)
    positive = float(np.maximum(contributions, 0).sum())
    total = float(np.abs(contributions).sum())
    return positive / total if total > 0 else 0.0


def agreement(features: NDArray[np.float32], weights: NDArray[np.float32], members: int) -> float | None:
    """Mean correlation of the maps of an ensemble's members, whose channels lie side by side; 0-1, None for one member.

    (c, h, w) and (c,). Members that were trained on different patients and point to the same places lean on the eye.
    """
    if members < 2:
        return None
    parts = zip(np.split(features, members), np.split(weights, members), strict=True)
    maps = [grad_cam(part, own).ravel() for part, own in parts]
    if any(is_degenerate(cam) for cam in maps):
        return 0.0
    pairs = [float(np.corrcoef(one, other)[0, 1]) for one, other in combinations(maps, 2)]
    return max(0.0, float(np.mean(pairs)))
