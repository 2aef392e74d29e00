"""Photographs as figures alone, drawn from a spread that is known."""

from __future__ import annotations

from typing import Final

import numpy as np

from pipelines.training.familiarity import Measured

PHOTOGRAPHS: Final = 400
MEMBERS: Final = 2
CHANNELS: Final = 1280
FIGURES: Final = 14


def drawn(seed: int, count: int = PHOTOGRAPHS, shift: float = 0.0) -> Measured:
    """Photographs of one camera: a few directions of wide spread, noise in all; `shift` moves another camera's away."""
    random = np.random.default_rng(seed)
    directions = np.random.default_rng(1).normal(size=(4, CHANNELS))
    features = random.normal(size=(count, MEMBERS, 4)) @ directions + random.normal(size=(count, MEMBERS, CHANNELS))
    figures = random.normal(size=(count, FIGURES)) + shift
    return Measured((features + shift).astype(np.float32), figures.astype(np.float32), np.arange(count) % MEMBERS)
