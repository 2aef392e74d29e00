"""Fundus photographs: where the retina is, the square a network reads, and whether the picture can be graded."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.core.types import Quality

Picture = NDArray[np.uint8]

SEARCH_SIDE = 256  # px; the retina is found on a small copy: its edge needs no more
DARK_FLOOR = 12  # grey level below which camera background lies, JPEG noise included
DARK_SHARE = 0.12  # of the bright end of the picture: the disc's edge fades to about a fifth of it
BRIGHT_PERCENTILE = 95.0
MIN_AREA = 0.2  # share of the picture
MIN_EDGE_POINTS = 24  # free edge points for a circle fit: fewer means no visible disc
MIN_OVERLAP = 0.9  # intersection over union of what is bright with the fitted circle
MAX_RADIUS = 0.85  # of the longer side; a "circle" wider than that is a nearly straight edge


@dataclass(frozen=True, slots=True)
class Retina:
    """Bounding box of the retinal disc in pixels, end exclusive; `coverage` is its share of the picture's area."""

    x0: int
    y0: int
    x1: int
    y1: int
    coverage: float


@dataclass(frozen=True, slots=True)
class Circle:
    """Centre and radius in pixels of the small search copy."""

    x: float
    y: float
    radius: float


def find_retina(rgb: Picture) -> Retina | None:
    """Find the bright disc that a fundus camera draws on a dark ground; None where there is none.

    (h, w, 3) uint8 RGB. The disc may be cut by the frame on any side. A picture passes only if what is bright in it
    fills a circle and has the retina's colour order (red over green over blue), so other photographs are turned away.
    """
    small = search_copy(rgb)
    mask = largest_bright_region(brightest(small))
    if mask is None or mask.mean() < MIN_AREA or not coloured_like_a_retina(small, mask):
        return None
    circle = fit_circle(free_edge(mask))
    if circle is None or circle.radius > MAX_RADIUS * max(mask.shape) or overlap(mask, circle) < MIN_OVERLAP:
        return None
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    h, w = rgb.shape[:2]
    across, down = w / small.shape[1], h / small.shape[0]
    return Retina(
        x0=round(x * across),
        y0=round(y * down),
        x1=min(w, round((x + width) * across)),
        y1=min(h, round((y + height) * down)),
        coverage=float(mask.mean()),
    )


def search_copy(rgb: Picture) -> Picture:
    """The picture with its longer side brought down to SEARCH_SIDE; small ones as they are."""
    height, width = rgb.shape[:2]
    scale = SEARCH_SIDE / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def brightest(rgb: Picture) -> NDArray[np.uint8]:
    """(h, w, 3) -> (h, w), each pixel's brightest channel; `max` over the last axis takes ten times as long."""
    return np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])


def largest_bright_region(grey: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """(h, w) uint8 -> (h, w) bool, the largest connected region brighter than the background, holes filled."""
    threshold = max(DARK_FLOOR, DARK_SHARE * float(np.percentile(grey, BRIGHT_PERCENTILE)))
    bright = cv2.morphologyEx((grey > threshold).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    filled = np.zeros_like(bright)
    cv2.drawContours(filled, [max(contours, key=cv2.contourArea)], -1, 1, thickness=cv2.FILLED)
    return filled.astype(bool)


def coloured_like_a_retina(rgb: Picture, mask: NDArray[np.bool_]) -> bool:
    """Red over green over blue on average: blood and pigment, whatever the camera's white balance."""
    red, green, blue = (float(channel[mask].mean()) for channel in np.moveaxis(rgb, 2, 0))
    return red > green > blue


def free_edge(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Edge points (n, 2) as (x, y) that do not lie on the picture's frame, where the disc is only cut off."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = max(contours, key=len)[:, 0, :].astype(np.float64)
    height, width = mask.shape
    inside = (points[:, 0] > 1) & (points[:, 0] < width - 2) & (points[:, 1] > 1) & (points[:, 1] < height - 2)
    return np.asarray(points[inside], np.float64)


def fit_circle(points: NDArray[np.float64]) -> Circle | None:
    """Least-squares circle through (n, 2) points (Kasa 1976); None for too few points or a degenerate fit."""
    if len(points) < MIN_EDGE_POINTS:
        return None
    x, y = points.T
    system = np.column_stack([2 * x, 2 * y, np.ones_like(x)])
    (a, b, c), _, rank, _ = np.linalg.lstsq(system, x**2 + y**2, rcond=None)
    squared = c + a**2 + b**2
    if rank < 3 or squared <= 0:
        return None
    return Circle(float(a), float(b), float(np.sqrt(squared)))


def overlap(mask: NDArray[np.bool_], circle: Circle) -> float:
    """Intersection over union of the mask with the part of the circle that lies in the picture."""
    ys, xs = np.ogrid[: mask.shape[0], : mask.shape[1]]
    disc = (xs - circle.x) ** 2 + (ys - circle.y) ** 2 <= circle.radius**2
    union = np.count_nonzero(mask | disc)
    return np.count_nonzero(mask & disc) / union if union else 0.0


def prepare(rgb: Picture, retina: Retina, size: int) -> Picture:
    """Crop to the retina, scale its longer side to `size` px, centre on black: (h, w, 3) -> (size, size, 3) uint8.

    Training and inference both pass through here. Area averaging when shrinking, so that a full-size photograph and
    its reduced copy end in nearly the same pixels.
    """
    crop = rgb[retina.y0 : retina.y1, retina.x0 : retina.x1]
    height, width = crop.shape[:2]
    scale = size / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(crop, (new_width, new_height), interpolation=way)
    square = np.zeros((size, size, 3), np.uint8)
    left, top = (size - new_width) // 2, (size - new_height) // 2
    square[top : top + new_height, left : left + new_width] = resized
    return square


def normalise(image: Picture, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    """(h, w, 3) uint8 RGB -> (3, h, w) float32: scaled to 0-1, less `mean`, over `std`, per channel."""
    scaled = image.astype(np.float32) / np.float32(255)
    standard = (scaled - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(standard.transpose(2, 0, 1))


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Where a photograph stops being gradable; tuned on synthetic degradations and stored beside the weights."""

    sharpness: float  #: least share of fine detail, see `Appearance`
    dark: float  #: least mean brightness inside the retina, grey levels
    bright: float  #: highest mean brightness, grey levels
    saturated: float  #: highest share of burnt-out pixels


@dataclass(frozen=True, slots=True)
class Appearance:
    """What the quality gate measures inside the retina, on a square of fixed size."""

    sharpness: float  #: standard deviation of detail at 1-2 px over that at 2-8 px: free of contrast and brightness
    brightness: float  #: mean luma, 0-255
    saturated: float  #: share of pixels whose green channel is burnt out


QUALITY_SIDE = 448  # px; sharpness depends on it
RIM = 25  # px left out at the edge of the disc, where the detail is the edge itself
BURNT_OUT = 245  # grey level
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def measure(square: Picture) -> Appearance:
    """Measure a picture inside its retina; (QUALITY_SIDE, QUALITY_SIDE, 3) uint8 as `prepare` makes it."""
    mask = (brightest(square) > DARK_FLOOR).astype(np.uint8)
    eroded = cv2.erode(mask, np.ones((RIM, RIM), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    inside = eroded > 0
    if not inside.any():
        return Appearance(sharpness=0.0, brightness=0.0, saturated=0.0)
    green = square[..., 1].astype(np.float32)
    fine, middle, coarse = (cv2.GaussianBlur(green, (0, 0), sigma) for sigma in (1.0, 2.0, 8.0))
    coarse_detail = float((middle - coarse)[inside].std())
    return Appearance(
        sharpness=float((fine - middle)[inside].std()) / coarse_detail if coarse_detail else 0.0,
        # The luma of the mean is the mean of the luma, at a tenth of its time.
        brightness=float((np.array(cv2.mean(square, mask=eroded)[:3]) * LUMA).sum()),
        saturated=float((green[inside] >= BURNT_OUT).mean()),
    )


def assess_quality(rgb: Picture, retina: Retina | None, limits: QualityLimits) -> Quality:
    """Whether (h, w, 3) uint8 `rgb` can be graded; the score is 0.5 at the limit of the worst property, 1 far inside.

    Reasons: no_retina, blur, dark, bright.
    """
    if retina is None:
        return Quality(gradable=False, score=0.0, reasons=("no_retina",))
    return quality_of(prepare(rgb, retina, QUALITY_SIDE), limits)


def quality_of(square: Picture, limits: QualityLimits) -> Quality:
    """The same for a retina that `prepare` has brought to (QUALITY_SIDE, QUALITY_SIDE, 3) already."""
    seen = measure(square)
    glare = min(share_of_limit(255 - seen.brightness, 255 - limits.bright), 1 - seen.saturated / (2 * limits.saturated))
    scores = {
        "blur": share_of_limit(seen.sharpness, limits.sharpness),
        "dark": share_of_limit(seen.brightness, limits.dark),
        "bright": max(0.0, glare),
    }
    reasons = tuple(reason for reason, score in scores.items() if score < 0.5)
    return Quality(gradable=not reasons, score=round(min(scores.values()), 4), reasons=reasons)


def share_of_limit(value: float, least: float) -> float:
    """0.5 where `value` is the least allowed, 1 from twice that on."""
    return min(1.0, value / (2 * least))
