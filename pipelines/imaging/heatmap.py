"""Draws explanation maps over photographs: where a map's cells lie in the picture, colours, PNG bytes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.imaging.fundus import Retina
from pipelines.imaging.picture import Rgb

#: Longest side of an overlay in pixels, docs/api.md.
LONGEST_SIDE = 1024
#: How much of the picture the strongest place of a map may hide.
STRONGEST_COVER = 0.6
#: Of the coloured map alone: it has no detail that a viewer could not draw from half the size.
HEATMAP_SIDE = 512
#: A noisy photograph has no repetitions worth a search: on a 1024 x 680 overlay the average filter with Huffman codes
#: alone took 13 ms of processor time and 0.58 MB, run lengths with the best filter of each line 31 ms and 0.55 MB.
_PNG_EFFORT = [
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
]

Map = npt.NDArray[np.float32]


def shown(picture: Rgb, longest_side: int = LONGEST_SIDE) -> Rgb:
    """(h, w, 3 or 4) -> the same picture with its long side at most `longest_side` px."""
    height, width = picture.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def spread(cam: Map, retina: Retina, scale: float, shape: tuple[int, int]) -> Map:
    """A map over the network's square laid back onto the picture it came from.

    `cam` (h', w') in 0-1 covers the square that fundus.prepare made of `retina`; `scale` is the side of a shown pixel
    in pixels of the picture `retina` was found in; -> (h, w) float32 of `shape`, zero outside the retina's box.
    """
    left, top, right, bottom = (round(edge / scale) for edge in (retina.x0, retina.y0, retina.x1, retina.y1))
    width, height = max(1, right - left), max(1, bottom - top)
    side = max(width, height)
    square = np.clip(cv2.resize(cam, (side, side), interpolation=cv2.INTER_CUBIC), 0, 1)
    x, y = (side - width) // 2, (side - height) // 2  # prepare centres the box in its square
    whole = np.zeros(shape, np.float32)
    target = whole[top : top + height, left : left + width]
    target[:] = square[y : y + target.shape[0], x : x + target.shape[1]]
    return whole


def coloured(spread_map: Map) -> npt.NDArray[np.uint8]:
    """(h, w) in 0-1 -> (h, w, 4) RGBA: viridis (even in lightness, safe for the colour-blind), clear where it is 0."""
    levels = np.asarray(np.clip(spread_map, 0, 1) * 255, dtype=np.uint8)
    bgr = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)
    return np.dstack([np.asarray(bgr, dtype=np.uint8)[:, :, ::-1], levels])


def overlay(photograph: Rgb, rgba: npt.NDArray[np.uint8]) -> Rgb:
    """The coloured map over the (h, w, 3) picture of the same size, its strongest place covering STRONGEST_COVER."""
    cover = rgba[:, :, 3:].astype(np.float32) * np.float32(STRONGEST_COVER / 255)
    mixed = photograph * (1 - cover) + rgba[:, :, :3] * cover
    return np.asarray(np.rint(mixed), dtype=np.uint8)


def png(picture: npt.NDArray[np.uint8]) -> bytes:
    """(h, w, 3) RGB or (h, w, 4) RGBA as PNG bytes; the same picture gives the same bytes."""
    order = cv2.COLOR_RGB2BGR if picture.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    _, encoded = cv2.imencode(".png", cv2.cvtColor(picture, order), _PNG_EFFORT)
    return encoded.tobytes()
