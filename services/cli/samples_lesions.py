"""The demo's diseased eyes: spots painted into the healthy photograph, as bleedings and hard exudates look."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.cli.samples import JPEG_QUALITY, Sample

Picture = NDArray[np.float32]  # (y, x, red green blue), 0-255

FIELD: Final = 0.38  # of the picture's width: how far from its middle spots lie
NEAREST: Final = 0.02  # of the field's area around its middle, left free
FLATTEST: Final = 0.6  # the shorter axis of a spot, of its longer one
SOFT: Final = 2.0  # pixels: the blur of a spot's edge


@dataclass(frozen=True, slots=True)
class Spots:
    """Spots of one kind: their smallest and largest radius in pixels, colour, and how much they cover, 0-1."""

    smallest: float
    largest: float
    colour: tuple[float, float, float]
    cover: float


BLEEDING: Final = Spots(3, 10, (95, 18, 10), 0.85)
EXUDATE: Final = Spots(3, 7, (250, 215, 120), 0.9)


@dataclass(frozen=True, slots=True)
class Eye:
    """How many spots of each kind are painted, how large against the usual, and by which dice."""

    title: str
    bleedings: int
    exudates: int
    size: float
    seed: int


#: What the shipped model makes of them: proliferative, moderate, and torn between the grades.
EYES: Final = (
    Eye("Many bleedings and exudates, painted into the photograph", 60, 25, 1.2, 2),
    Eye("A few bleedings, painted into the photograph", 12, 0, 0.7, 5),
    Eye("Bleedings alone, painted into the photograph", 30, 0, 1.0, 1),
)


def write_lesions(folder: Path, photograph: Path, first_number: int) -> list[Sample]:
    """One left eye a patient, DEMO-`first_number` and on, painted over the healthy `photograph`."""
    with Image.open(photograph) as opened:
        healthy = np.asarray(opened.convert("RGB"), np.float32)
    samples = []
    for number, eye in enumerate(EYES, start=first_number):
        path = folder / f"painted-{number}.jpg"
        Image.fromarray(paint(healthy, eye).astype(np.uint8)).save(path, quality=JPEG_QUALITY)
        samples.append(Sample(eye.title, (path,), {"patient_id": f"DEMO-{number}", "laterality": "L"}))
    return samples


def paint(healthy: Picture, eye: Eye) -> Picture:
    """The photograph with an eye's spots in it; equal arguments give equal pictures."""
    dice = np.random.default_rng(eye.seed)
    with_bleedings = _spotted(healthy, BLEEDING, eye.bleedings, eye.size, dice)
    return np.clip(_spotted(with_bleedings, EXUDATE, eye.exudates, eye.size, dice), 0, 255)


def _spotted(picture: Picture, spots: Spots, count: int, size: float, dice: np.random.Generator) -> Picture:
    rows, columns = picture.shape[:2]
    mask = np.zeros((rows, columns), np.float32)
    for _ in range(count):
        angle, far = dice.uniform(0, 2 * np.pi), np.sqrt(dice.uniform(NEAREST, 1)) * FIELD * columns
        centre = (int(columns / 2 + far * np.cos(angle)), int(rows / 2 + far * np.sin(angle)))
        radius = dice.uniform(spots.smallest, spots.largest) * size
        axes = (int(radius), int(radius * dice.uniform(FLATTEST, 1)))
        cv2.ellipse(mask, centre, axes, dice.uniform(0, 180), 0, 360, 1.0, -1)
    cover = cv2.GaussianBlur(mask, (0, 0), SOFT)[..., None] * spots.cover
    return np.asarray(picture * (1 - cover) + np.array(spots.colour, np.float32) * cover, np.float32)
