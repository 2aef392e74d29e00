"""Simulated receive coils: smooth complex sensitivity maps of random geometry."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

Random = np.random.Generator
GRID = 24  # samples a side on which maps are computed; they are smooth between
DEAD_SHARE = 0.03  # of the arrays have a coil that receives next to nothing


def smooth_field(slices: int, fields: int, shape: tuple[int, int], coarse: int, random: Random) -> Tensor:
    """(slices, fields, y, x) complex64 of about unit variance, smooth on 1 / `coarse` of the plane."""
    first = random.standard_normal((2, 2 * fields, coarse, coarse)).astype(np.float32)
    # Neighbouring slices lie between two independent planes, so that fields drift along the slab.
    share = np.linspace(0.0, random.uniform(0, 1), slices, dtype=np.float32)[:, None, None, None] * math.pi / 2
    planes = torch.from_numpy(np.cos(share) * first[0] + np.sin(share) * first[1])
    fine = functional.interpolate(planes, size=shape, mode="bicubic", align_corners=True)
    return torch.complex(fine[:, :fields].contiguous(), fine[:, fields:].contiguous())


def coil_maps(slices: int, coils: int, shape: tuple[int, int], random: Random) -> Tensor:
    """(slices, coil, y, x) complex64: an array around the head, or a body coil that sees all alike."""
    coarse = body_coil(slices, coils, random) if coils <= 2 and random.random() < 0.7 else array(slices, coils, random)
    gains = np.exp(random.normal(0, 0.25, coils)) * np.exp(1j * random.uniform(-math.pi, math.pi, coils))
    if coils > 2 and random.random() < DEAD_SHARE:
        gains[random.integers(coils)] *= 0.01
    coarse = coarse * torch.from_numpy(gains.astype(np.complex64))[:, None, None]
    if random.random() < 0.3:
        coarse = coarse / (coarse.abs().square().sum(dim=1, keepdim=True).sqrt() + 1e-6)
    parts = torch.cat([coarse.real, coarse.imag], dim=1)
    fine = functional.interpolate(parts, size=shape, mode="bicubic", align_corners=True)
    return torch.complex(fine[:, :coils].contiguous(), fine[:, coils:].contiguous())


def body_coil(slices: int, coils: int, random: Random) -> Tensor:
    """(slices, coil, GRID, GRID) complex64, nearly uniform."""
    field = smooth_field(slices, coils, (GRID, GRID), 3, random)
    strength = float(random.uniform(0.05, 0.3))
    return torch.exp(strength * field.real) * torch.exp(1j * strength * 3 * field.imag)


def array(slices: int, coils: int, random: Random) -> Tensor:
    """(slices, coil, GRID, GRID) complex64: loops on an ellipse around the field of view, in one to three rows.

    The field of a loop on its axis falls as (1 + (d / a)^2)^-3/2 (Biot and Savart, quasi-static); off the axis its
    phase turns with the direction, which is what tells a loop's sides apart.
    """
    rows = 1 if coils < 6 else int(random.integers(1, 4))
    angle = np.arange(coils) * 2 * math.pi / max(1, math.ceil(coils / rows)) + random.uniform(0, 2 * math.pi)
    angle = angle + random.normal(0, 0.15, coils)
    half_axes = random.uniform(0.65, 1.1, 2)
    centre_y = half_axes[0] * np.sin(angle)
    centre_x = half_axes[1] * np.cos(angle)
    centre_z = (np.arange(coils) % rows - (rows - 1) / 2) * random.uniform(0.3, 0.7) + random.uniform(-0.4, 0.4)
    radius = random.uniform(0.25, 0.75) * np.exp(random.normal(0, 0.1, coils))
    grid = np.linspace(-1, 1, GRID)
    z = np.linspace(-0.5, 0.5, slices)[:, None, None, None] * random.uniform(0, 0.4)
    dy = grid[None, None, :, None] - centre_y[None, :, None, None]
    dx = grid[None, None, None, :] - centre_x[None, :, None, None]
    dz = z - centre_z[None, :, None, None]
    distance = np.sqrt(dy**2 + dx**2 + dz**2)
    strength = (1 + (distance / radius[None, :, None, None]) ** 2) ** -1.5
    turning = random.uniform(0.3, 1.5) * np.arctan2(
        dy * np.cos(angle)[:, None, None] - dx * np.sin(angle)[:, None, None], radius[None, :, None, None] + 0.3
    )
    maps = torch.from_numpy((strength * np.exp(1j * turning)).astype(np.complex64))
    wobble = smooth_field(slices, coils, (GRID, GRID), 4, random)
    return maps * torch.exp(float(random.uniform(0, 0.3)) * wobble)
