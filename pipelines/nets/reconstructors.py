"""The ways to reconstruct k-space, by the names that registry entries use."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pipelines.imaging.acquired import Acquired, Reconstructed, Reconstructor
from pipelines.nets.bundle import Bundle
from pipelines.nets.classical import CompressedSensing, Sense, ZeroFilled
from pipelines.nets.learned import Unrolled

__all__ = ["Acquired", "Reconstructed", "Reconstructor", "reconstructors"]


def reconstructors(bundle: Bundle) -> Mapping[str, Reconstructor]:
    """Every method under its name; the network runs on a GPU where there is one.

    Raises ModelError where the bundle's parts do not belong together.
    """
    methods: tuple[Reconstructor, ...] = (
        ZeroFilled(),
        Sense(float(bundle.inference["sense"]["weight"])),
        CompressedSensing(float(bundle.inference["compressed_sensing"]["weight"])),
        Unrolled(bundle, "cuda" if torch.cuda.is_available() else "cpu"),
    )
    return {method.name: method for method in methods}
