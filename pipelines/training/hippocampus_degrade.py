"""Crops made worse in the ways that scans and pipelines go wrong, to fit and to test the predicted quality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy import ndimage

from pipelines.training.hippocampus_cases import ROBUST, Case, Volume

Degradation = Callable[[Case, np.random.Generator], Case]
Generator = np.random.Generator


def noisy(case: Case, random: Generator) -> Case:
    """Rician noise (Gudbjartsson & Patz 1995) of 0.08 to 0.4 of the crop's range."""
    sigma = random.uniform(0.08, 0.4) * extent(case.image)
    real, imaginary = random.normal(0, sigma, (2, *case.image.shape))
    return changed(case, np.hypot(case.image + real, imaginary))


def blurred(case: Case, random: Generator) -> Case:
    """A Gaussian of 1 to 3 mm standard deviation."""
    return changed(case, ndimage.gaussian_filter(case.image, random.uniform(1.0, 3.0)))


def moved(case: Case, random: Generator) -> Case:
    """Motion: a tenth to a half of the lines along y in k-space come from a head that lay up to 6 mm elsewhere."""
    spectrum = np.fft.fftn(case.image)
    frequencies = np.meshgrid(*map(np.fft.fftfreq, case.image.shape), indexing="ij")
    shift = random.uniform(-6, 6, 3)
    ramp = np.exp(-2j * np.pi * np.tensordot(shift, np.stack(frequencies), axes=1))
    lines = np.asarray(random.random(case.image.shape[1]) < random.uniform(0.1, 0.5))
    return changed(case, np.abs(np.fft.ifftn(np.where(lines[None, :, None], spectrum * ramp, spectrum))))


def thick(case: Case, random: Generator) -> Case:
    """Slices of 3 to 7 mm along a random axis, each voxel repeated."""
    axis, thickness = int(random.integers(3)), int(random.integers(3, 8))
    length = case.image.shape[axis]
    starts = np.arange(0, length, thickness)
    sums = np.add.reduceat(case.image, starts, axis=axis)
    counts = np.diff([*starts, length])
    means = sums / np.expand_dims(counts, tuple({0, 1, 2} - {axis}))
    return changed(case, np.repeat(means, counts, axis=axis))


def inverted(case: Case, random: Generator) -> Case:
    """Another weighting: dark becomes bright, as fluid does on T2."""
    low, high = np.percentile(case.image, ROBUST)
    scaled = np.clip((case.image - low) / (high - low), 0, 1)
    return changed(case, (1 - scaled) ** random.uniform(0.6, 1.6))


def misoriented(case: Case, random: Generator) -> Case:
    """Axes mistaken: upside down, back to front, or y and z exchanged; the labels go with the image."""
    kind = int(random.integers(3))
    if kind == 2:
        return Case(case.name, np.swapaxes(case.image, 1, 2).copy(), np.swapaxes(case.labels, 1, 2).copy())
    axis = kind + 1
    return Case(case.name, np.flip(case.image, axis).copy(), np.flip(case.labels, axis).copy())


def misplaced(case: Case, random: Generator) -> Case:
    """A box set wrongly: 30 to 65 % of the crop lost at one end of a random axis."""
    axis, share = int(random.integers(3)), random.uniform(0.3, 0.65)
    length = case.image.shape[axis]
    lost = int(share * length)
    kept = slice(lost, None) if random.random() < 0.5 else slice(0, length - lost)
    place = tuple(kept if each == axis else slice(None) for each in range(3))
    return Case(case.name, case.image[place].copy(), case.labels[place].copy())


#: By name, in the order of the card's table.
DEGRADATIONS: Final[Mapping[str, Degradation]] = MappingProxyType(
    {
        "noise": noisy,
        "blur": blurred,
        "motion": moved,
        "thick slices": thick,
        "other contrast": inverted,
        "wrong axes": misoriented,
        "wrong box": misplaced,
    }
)


def changed(case: Case, image: Volume) -> Case:
    """The case with another image of the same place."""
    return Case(case.name, np.asarray(image, np.float32), case.labels)


def extent(image: Volume) -> float:
    """The distance of the robust percentiles, in the image's units."""
    low, high = np.percentile(image, ROBUST)
    return float(high - low)
