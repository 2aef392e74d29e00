"""The loss of the reconstruction network: one minus SSIM, and the mean absolute error (torch)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

WINDOW = 7  # pixels; SSIM's constants are those of Wang et al. 2004
K1, K2 = 0.01, 0.03


def similarity(image: Tensor, reference: Tensor) -> Tensor:
    """Two (slices, y, x) float32 -> mean SSIM with a uniform window, the reference's maximum as data range.

    As scikit-image computes it: sample covariances, the border of half a window left out.
    """
    pairs = (image, reference, image * image, reference * reference, image * reference)
    means = [functional.avg_pool2d(values[:, None], WINDOW, stride=1) for values in pairs]
    one, other, one_squared, other_squared, product = means
    unbiased = WINDOW**2 / (WINDOW**2 - 1)
    spread = unbiased * (one_squared - one * one + other_squared - other * other)
    covariance = unbiased * (product - one * other)
    brightest = reference.max()
    first, second = (K1 * brightest) ** 2, (K2 * brightest) ** 2
    ratio = (2 * one * other + first) * (2 * covariance + second)
    return (ratio / ((one * one + other * other + first) * (spread + second))).mean()


def loss(image: Tensor, reference: Tensor, absolute_weight: float) -> Tensor:
    """(slices, y, x) float32 each -> a scalar; the absolute error counts as a share of the reference's maximum."""
    absolute = (image - reference).abs().mean() / reference.max()
    return 1 - similarity(image, reference) + absolute_weight * absolute
