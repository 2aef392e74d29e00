"""Fills the side of k-space that a partial Fourier acquisition left out, by projection onto a smooth phase.

Source: projections onto convex sets (Haacke, Lindskog, Lin, J Magn Reson 1991;92:126): the image's phase is that of
the symmetric middle, the measured lines stay as they are.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.fourier import to_image, to_kspace

Complex = NDArray[np.complex64]
_ROUNDS: Final = 8


def fill(kspace: Complex, start: int, stop: int) -> Complex:
    """(..., rows, columns) complex64 with rows `start` to `stop` known -> the same with the others filled."""
    rows = kspace.shape[-2]
    reach = min(rows // 2 - start, stop - rows // 2)
    window = np.zeros((rows, 1), np.float32)
    window[rows // 2 - reach : rows // 2 + reach, 0] = np.hanning(2 * reach + 1)[:-1]
    phase = np.exp(1j * np.angle(to_image(kspace * window))).astype(np.complex64)
    filled = kspace.copy()
    for _ in range(_ROUNDS):
        filled = to_kspace(np.abs(to_image(filled)) * phase)
        filled[..., start:stop, :] = kspace[..., start:stop, :]
    return filled
