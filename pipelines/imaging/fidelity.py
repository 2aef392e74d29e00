"""How near a reconstruction comes to its fully sampled reference: SSIM, PSNR and NMSE of a volume, as fastMRI has them.

Zbontar et al. 2018, arXiv:1811.08839, section 5: the reference's maximum over the volume is the data range.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Volume = NDArray[np.float32]
WINDOW = 7  # pixels, uniform


def ssim(image: Volume, reference: Volume) -> float:
    """Two (slices, y, x) float32 of one unit -> mean over slices of the structural similarity (Wang et al. 2004)."""
    brightest = float(reference.max())
    values = [
        structural_similarity(truth, made, win_size=WINDOW, data_range=brightest)  # type: ignore[no-untyped-call]
        for made, truth in zip(image, reference, strict=True)
    ]
    return float(np.mean(values))


def psnr(image: Volume, reference: Volume) -> float:
    """Two (slices, y, x) float32 of one unit -> peak signal to noise ratio in dB; infinite where they are equal."""
    error = float(np.mean((image.astype(np.float64) - reference) ** 2))
    return 10 * math.log10(float(reference.max()) ** 2 / error) if error else math.inf


def nmse(image: Volume, reference: Volume) -> float:
    """Two (slices, y, x) float32 of one unit -> squared error as a share of the reference's squares."""
    difference = image.astype(np.float64) - reference
    return float(np.sum(difference**2) / np.sum(reference.astype(np.float64) ** 2))
