"""Simulated k-space for training: slabs of magnitude volumes with random contrast, phase, coils, noise and mask."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pipelines.imaging.fourier import centre_lines, equispaced_mask, random_mask, to_kspace
from pipelines.training.kspace_coils import coil_maps, smooth_field

Random = np.random.Generator
BRIGHTEST = 99.9  # percentile of a volume that becomes one
SUB_SLICES = 3  # samples through a slice, averaged: its thickness
ROUND = 8  # pixels: a round matrix size, as scanners mostly have and fast transforms like
COARSE = 16  # grid of the object's phase


@dataclass(frozen=True, slots=True)
class Simulation:
    """The ranges that a sample is drawn from; lengths in mm, noise as a share of the brightest value."""

    matrix: tuple[int, int] = (96, 256)
    field_of_view: tuple[float, float] = (170.0, 280.0)
    round_share: float = 0.85
    native_share: float = 0.35  # of the samples lie on the volume's own grid, as sharp as it is
    slice_spacing: tuple[float, float] = (1.0, 7.0)
    slices: tuple[int, ...] = (1, 1, 2, 3, 3, 4, 5)
    coils: tuple[int, ...] = (1, 2, 4, 4, 6, 8, 8, 10, 12, 16, 20)
    voxels: int = 40_000  # of a slab, at most: the cost of a step
    coil_voxels: int = 320_000
    noise: tuple[float, float] = (2e-3, 6e-2)
    accelerations: tuple[float, ...] = (2, 4, 4, 4, 4, 6, 8, 8, 8, 8)
    centre_at_four: tuple[float, float] = (0.06, 0.1)
    centre_at_eight: tuple[float, float] = (0.035, 0.06)


@dataclass(frozen=True, slots=True)
class Volume:
    """A magnitude volume (x, y, z) float32 with its brightest parts at one, and its voxel's sides in mm."""

    intensity: Tensor
    spacing: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """Fully sampled noisy k-space (slices, coil, ky, kx) complex64, its largest magnitude in the image one; a mask."""

    kspace: Tensor
    mask: NDArray[np.bool_]  # (ky,)
    calibration: slice


def read_volume(path: Path) -> Volume:
    """A NIfTI volume as values; negative intensities become zero."""
    image = nibabel.nifti1.Nifti1Image.from_filename(path)
    intensity = np.maximum(np.asarray(image.dataobj, dtype=np.float32), 0)
    spacing = tuple(float(side) for side in image.header.get_zooms()[:3])
    brightest = np.percentile(intensity[intensity > 0], BRIGHTEST)
    return Volume(torch.from_numpy(intensity / brightest), (spacing[0], spacing[1], spacing[2]))


def simulate(volumes: list[Volume], ranges: Simulation, random: Random) -> Sample:
    """One training sample; the same random numbers give the same sample."""
    volume = volumes[random.integers(len(volumes))]
    tissue = slab(volume, ranges, random)
    magnitude = contrast(tissue, random)
    slices, rows, columns = magnitude.shape
    most = max(1, ranges.coil_voxels // magnitude.numel())
    coils = min(int(random.choice(ranges.coils)), most)
    maps = coil_maps(slices, coils, (rows, columns), random)
    images = (magnitude * torch.exp(1j * object_phase(tissue, random)))[:, None] * maps
    brightest = float(images.abs().square().sum(dim=1).sqrt().max()) or 1.0
    images = images / brightest + noise((slices, coils, rows, columns), ranges, random)
    kspace = torch.from_numpy(to_kspace(images.to(torch.complex64).numpy()))
    return Sample(kspace, *sampling(rows, ranges, random))


def slab(volume: Volume, ranges: Simulation, random: Random) -> Tensor:
    """(slices, y, x) float32 from `volume`: any of three orientations, some on its own grid, others resampled."""
    order = random.permutation(3)  # slice, row and column axis of the volume
    rows, columns = (int(random.integers(*ranges.matrix, endpoint=True)) for _ in range(2))
    if random.random() < 0.5:
        columns = rows
    if random.random() < ranges.round_share:
        rows, columns = rows - rows % ROUND, columns - columns % ROUND
    depth = max(1, min(int(random.choice(ranges.slices)), ranges.voxels // (rows * columns)))
    if random.random() < ranges.native_share:
        pixel = np.array([volume.spacing[order[1]], volume.spacing[order[2]]])
        tilt = np.zeros(3)
    else:
        view = random.uniform(*ranges.field_of_view)
        pixel = view / rows * np.array([1.0, random.uniform(0.75, 1.33)])
        tilt = random.normal(0, math.radians(8), 3)
    step = random.uniform(*ranges.slice_spacing)
    thickness = step * random.uniform(0.3, 1.0) if step > 1.5 else 0.0
    return sample(volume, order, (depth, rows, columns), (step, thickness, *pixel), tilt, random)


def sample(
    volume: Volume,
    order: NDArray[np.int64],
    shape: tuple[int, int, int],
    sizes: tuple[float, ...],
    tilt: NDArray[np.float64],
    random: Random,
) -> Tensor:
    """Trilinear samples on a tilted grid; `sizes` is slice step, thickness, row and column spacing in mm."""
    depth, rows, columns = shape
    step, thickness, row, column = sizes
    extent = np.array(volume.intensity.shape) * np.array(volume.spacing)
    shift = np.array([0.32, 0.08, 0.08]) * random.uniform(-1, 1, 3)  # of the extent: slices reach crown and neck
    subs = SUB_SLICES if thickness else 1
    offsets = np.linspace(-thickness / 2, thickness / 2, subs) if subs > 1 else np.zeros(1)
    along = (np.arange(depth)[:, None] - (depth - 1) / 2) * step + offsets
    axes = [along.ravel(), (np.arange(rows) - rows // 2) * row, (np.arange(columns) - columns // 2) * column]
    for axis in (1, 2):
        if random.random() < 0.5:
            axes[axis] = axes[axis][::-1]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) @ rotation(tilt).T
    points += shift * extent[order]
    position = np.empty_like(points)
    for place, axis in enumerate(order):
        if not tilt.any():  # on the grid: whole voxels, nothing is blurred in the plane
            spacing = volume.spacing[axis]
            points[..., place] = np.round(points[..., place] / spacing) * spacing
        position[..., axis] = points[..., place]
    # grid_sample wants x last-axis-first in -1..1 between the outer voxels' centres.
    unit = position / (np.array(volume.spacing) * (np.array(volume.intensity.shape) - 1) / 2)
    grid = torch.from_numpy(unit[..., ::-1].astype(np.float32).copy())[None]
    drawn = functional.grid_sample(volume.intensity[None, None], grid, align_corners=True)[0, 0]
    return drawn.reshape(depth, subs, rows, columns).mean(dim=1)


def rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation by three angles in radians, one after the other about each axis."""
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        one, other = [other for other in range(3) if other != axis]
        step = np.eye(3)
        step[[one, other, one, other], [one, other, other, one]] = [
            math.cos(angle), math.cos(angle), -math.sin(angle), math.sin(angle),
        ]  # fmt: skip
        turn = step @ turn
    return turn


def contrast(magnitude: Tensor, random: Random) -> Tensor:
    """Another contrast: gamma, or a random curve that may fall as well as rise, then a smooth bias field."""
    values = magnitude.clamp(0, 1.5)
    if random.random() < 0.3:
        changed = values ** float(random.uniform(0.6, 1.6))
    else:
        knots = np.concatenate([[0.0, 0.06], np.sort(random.uniform(0.1, 0.9, random.integers(2, 6))), [1.0, 1.5]])
        heights = random.uniform(0.05, 1.0, len(knots))
        heights[0], heights[1] = 0.0, random.uniform(0.02, 0.1)  # air stays dark, its noise small
        changed = torch.from_numpy(np.interp(values.numpy(), knots, heights).astype(np.float32))
    if random.random() < 0.5:
        slices, rows, columns = magnitude.shape
        field = smooth_field(slices, 1, (rows, columns), 4, random).real[:, 0]
        changed = changed * torch.exp(float(random.uniform(0, 0.4)) * field)
    return changed


def object_phase(tissue: Tensor, random: Random) -> Tensor:
    """(slices, y, x) float32 as stored -> radians: a ramp, smooth fields of two scales, jumps between tissues."""
    slices, rows, columns = tissue.shape
    y = torch.linspace(-1, 1, rows)[:, None]
    x = torch.linspace(-1, 1, columns)[None]
    ramp = random.normal(0, 1.5, 2)
    phase = float(ramp[0]) * y + float(ramp[1]) * x
    phase = phase + float(random.uniform(0, 2.5)) * smooth_field(slices, 1, (rows, columns), 5, random).real[:, 0]
    if random.random() < 0.5:
        fine = smooth_field(slices, 1, (rows, columns), COARSE, random).real[:, 0]
        phase = phase + float(random.uniform(0, 0.8)) * fine
    if random.random() < 0.5:  # fat, the brightest in these volumes, precesses slower: at some echo times against water
        edge = (tissue - float(random.uniform(0.5, 0.9))) / float(random.uniform(0.02, 0.1))
        phase = phase + float(random.uniform(-math.pi, math.pi)) * torch.sigmoid(edge)
    if random.random() < 0.2:  # tissues of different phase, as off-resonance and flow leave behind
        phase = phase + float(random.normal(0, 1.0)) * tissue
    return phase


def noise(shape: tuple[int, int, int, int], ranges: Simulation, random: Random) -> Tensor:
    """Complex noise in image space: uneven and a little correlated over coils, sometimes rolled off along x."""
    _, coils, _, columns = shape
    low, high = np.log(ranges.noise)
    level = math.exp(random.uniform(low, high)) * np.exp(random.normal(0, 0.15, coils))
    mixing = np.diag(level) @ (np.eye(coils) + 0.05 * random.standard_normal((coils, coils)))
    white = random.standard_normal((2, *shape), dtype=np.float32)
    drawn = torch.from_numpy(white[0] + 1j * white[1])
    mixed = torch.einsum("cd,sdyx->scyx", torch.from_numpy(mixing.astype(np.complex64)), drawn)
    if random.random() < 0.4:  # a receiver's filter
        edge = np.abs(np.linspace(-1, 1, columns)) ** random.uniform(4, 16)
        mixed = mixed * torch.from_numpy((1 - random.uniform(0.2, 0.8) * edge).astype(np.float32))
    return mixed


def sampling(rows: int, ranges: Simulation, random: Random) -> tuple[NDArray[np.bool_], slice]:
    """A mask along ky and its calibration lines: equispaced more often than random."""
    acceleration = float(random.choice(ranges.accelerations))
    centre = ranges.centre_at_eight if acceleration > 6 else ranges.centre_at_four
    fraction = random.uniform(*centre)
    draw = equispaced_mask if random.random() < 0.7 else random_mask
    mask = draw(rows, acceleration, fraction, int(random.integers(2**31)))
    return mask, centre_lines(rows, fraction)
