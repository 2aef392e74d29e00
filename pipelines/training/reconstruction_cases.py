"""Fully sampled k-space to measure the reconstruction on: simulated from held-out volumes, and measured in vivo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import sigpy.mri
from numpy.typing import NDArray

from pipelines.imaging.acquired import Acquired
from pipelines.imaging.fourier import (
    CENTRE_FRACTION,
    calibration_region,
    equispaced_mask,
    rss,
    seed_of,
    to_image,
    to_kspace,
)
from pipelines.training.kspace_simulation import Simulation, Volume, read_volume, simulate

ACCELERATIONS = (4, 8)
HELD_OUT = ("btp002", "btp003")  # subjects that no training sees
SLICES = 2  # of each held-out volume: compressed sensing takes seconds a slice
COILS = (8, 12)  # of the simulated arrays, in turn
NOISE = (0.003, 0.01)  # standard deviation as a share of the brightest value, in turn
DISTANCE = 1.6  # of the birdcage's loops from its axis, in half fields of view
MASKS = 6  # of the one measured slice, each with another first line
FITTING = 6  # simulated slabs of training subjects


@dataclass(frozen=True, slots=True)
class Case:
    """Fully sampled (slices, coil, ky, kx) complex64 and how it is undersampled: the name decides the mask."""

    name: str
    kspace: NDArray[np.complex64]
    acceleration: int

    @property
    def reference(self) -> NDArray[np.float32]:
        """(slices, y, x) root sum of squares of everything."""
        return rss(to_image(self.kspace))

    @property
    def acquired(self) -> Acquired:
        """What an accelerated scan would have measured."""
        rows = self.kspace.shape[-2]
        mask = equispaced_mask(rows, self.acceleration, CENTRE_FRACTION[self.acceleration], seed_of(self.name))
        return Acquired(self.kspace * mask[:, None], mask, *calibration_region(mask))


def simulated_cases(folder: Path) -> Iterator[Case]:
    """Held-out volumes in `folder`, each at both accelerations: a birdcage array, which training never draws.

    Evenly spaced slices as the scanner stored them, ky from front to back.
    """
    paths = sorted(path for path in folder.iterdir() if path.name.startswith(HELD_OUT))
    for number, path in enumerate(paths):
        coils, noise = COILS[number % len(COILS)], NOISE[number // len(COILS) % len(NOISE)]
        kspace = through_birdcage(read_volume(path), coils, noise, np.random.default_rng(number))
        for acceleration in ACCELERATIONS:
            yield Case(path.name, kspace, acceleration)


def through_birdcage(volume: Volume, coils: int, noise: float, random: np.random.Generator) -> NDArray[np.complex64]:
    """(SLICES, coil, ky, kx) complex64 of evenly spaced slices, their largest magnitude one before the noise."""
    depth = volume.intensity.shape[2]
    chosen = np.linspace(0, depth, SLICES + 2)[1:-1].astype(int)
    magnitude = np.ascontiguousarray(volume.intensity.numpy()[:, :, chosen].transpose(2, 1, 0))
    rows, columns = magnitude.shape[1:]
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    terms = np.stack([np.ones_like(y), y, x, y * x, y**2, x**2, y**3, x**3])
    phase = np.tensordot(random.normal(0, 0.8, len(terms)), terms, axes=1)
    maps = sigpy.mri.birdcage_maps((coils, rows, columns), r=DISTANCE, nzz=coils)
    images = magnitude[:, None] * np.exp(1j * phase) * maps
    images = images / float(rss(images.astype(np.complex64)).max())
    drawn = random.normal(0, noise, (2, *images.shape))
    return to_kspace((images + drawn[0] + 1j * drawn[1]).astype(np.complex64))


def measured_cases(path: Path) -> Iterator[Case]:
    """One measured file at both accelerations under several masks; the number in the name moves the first line."""
    with h5py.File(path) as file:
        kspace = np.asarray(file["kspace"], np.complex64)
    for acceleration in ACCELERATIONS:
        for number in range(MASKS):
            yield Case(f"{path.stem}-{number}", kspace, acceleration)


def fitting_cases(volumes: list[Volume], ranges: Simulation) -> Iterator[Case]:
    """Slabs of training subjects, drawn as training draws them but not those: for all that is fitted after it."""
    low, high = ranges.matrix
    single = replace(ranges, slices=(1,), matrix=(low, low + (high - low) // 2))
    for number in range(FITTING):
        drawn = simulate(volumes, single, np.random.default_rng([number]))
        yield Case(f"training-{number}", drawn.kspace.numpy(), ACCELERATIONS[number % len(ACCELERATIONS)])
