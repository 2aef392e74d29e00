"""Random views of a retina square: any rotation, mirroring, scale, shift, colour and sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.imaging.fundus import Picture


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges, each drawn uniformly. Colour is drawn wide on purpose: mean colour alone predicts the grade here."""

    scale: tuple[float, float] = (0.9, 1.12)
    shift: float = 0.03  # of the side, each way
    gain: tuple[float, float] = (0.85, 1.18)  # per channel
    gamma: tuple[float, float] = (0.85, 1.18)
    contrast: tuple[float, float] = (0.85, 1.2)
    saturation: tuple[float, float] = (0.75, 1.25)
    blur_share: float = 0.15  # of the views
    blur_sigma: tuple[float, float] = (0.4, 1.0)  # px


LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def view(square: Picture, size: int, ranges: Augmentation, random: np.random.Generator) -> Picture:
    """One random view of a (s, s, 3) square as (size, size, 3) uint8; all randomness comes from `random`."""
    moved = cv2.warpAffine(
        square, placement(len(square), size, ranges, random), (size, size), flags=cv2.INTER_LINEAR, borderValue=0
    )
    if random.random() < ranges.blur_share:
        moved = cv2.GaussianBlur(moved, (0, 0), random.uniform(*ranges.blur_sigma))
    mixed = cv2.transform(moved, saturation(random.uniform(*ranges.saturation)))
    return np.asarray(cv2.LUT(mixed, tone(ranges, random)), np.uint8)


def placement(side: int, size: int, ranges: Augmentation, random: np.random.Generator) -> np.ndarray:
    """(2, 3) affine matrix from source to view: mirror, rotate by any angle, scale, shift about the centre."""
    angle = random.uniform(0, 2 * np.pi)
    factor = size / side * random.uniform(*ranges.scale)
    mirror = -1.0 if random.random() < 0.5 else 1.0
    turn = factor * np.array([[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]])
    offset = size / 2 + size * random.uniform(-ranges.shift, ranges.shift, 2) - turn @ np.full(2, side / 2)
    return np.column_stack([turn, offset])


def saturation(amount: float) -> np.ndarray:
    """(3, 3) matrix that moves colours towards (below 1) or away from (above 1) their grey."""
    return np.asarray(amount * np.eye(3) + (1 - amount) * np.tile(LUMA, (3, 1)), np.float32)


def tone(ranges: Augmentation, random: np.random.Generator) -> Picture:
    """(1, 256, 3) uint8 look-up table: gain and gamma per channel, one contrast; black stays black."""
    grey = np.linspace(0, 1, 256, dtype=np.float64)[:, None]
    curve = grey ** random.uniform(*ranges.gamma, 3) * random.uniform(*ranges.gain, 3)
    curve = curve * random.uniform(*ranges.contrast)
    return np.asarray(np.clip(curve * 255 + 0.5, 0, 255), np.uint8)[None]
