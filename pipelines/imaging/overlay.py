"""The files that show what a fundus photograph's grade rests on: drawn of the stored map, at once or when asked for."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from pipelines.core.errors import CorruptPixels
from pipelines.imaging import heatmap
from pipelines.imaging.fundus import Retina, find_retina
from pipelines.imaging.heatmap import Map
from pipelines.imaging.picture import HEATMAP, OVERLAY, Rgb, Shown
from pipelines.imaging.pixels import decode

#: A photograph is decoded at the least scale that leaves its short side so long (px): an overlay shows no more.
DRAWN_SIDE: Final = 640
#: A map is a network's last feature map, some dozen cells a side.
MAX_MAP_SIDE: Final = 512


def draw(photograph: Rgb, retina: Retina, cam: Map) -> Mapping[Shown, bytes]:
    """The coloured map and the overlay as PNG; both show the (h, w, 3) photograph's whole frame, `cam` is in 0-1."""
    picture = heatmap.shown(photograph)
    scale = photograph.shape[1] / picture.shape[1]
    height, width = picture.shape[:2]
    rgba = heatmap.coloured(heatmap.spread(cam, retina, scale, (height, width)))
    return {
        HEATMAP: heatmap.png(heatmap.shown(rgba, heatmap.HEATMAP_SIDE)),
        OVERLAY: heatmap.png(heatmap.overlay(picture, rgba)),
    }


def retina_or_whole(photograph: Rgb, found: Retina | None) -> Retina:
    """The retina's box, or the whole frame where there is none: what a grader looks at."""
    height, width = photograph.shape[:2]
    return found or Retina(0, 0, width, height, 0.0)


def drawn_again(path: Path, stored_map: bytes, wanted: Shown) -> bytes:
    """A picture of the DICOM photograph at `path` and its stored map (npy); only for the decoding child.

    Raises what pixels.decode raises, CorruptPixels for what is no map.
    """
    picture = decode(path, DRAWN_SIDE).array
    return draw(picture, retina_or_whole(picture, find_retina(picture)), _map(stored_map))[wanted]


def _map(stored: bytes) -> Map:
    try:
        cam = np.load(io.BytesIO(stored), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise CorruptPixels("the stored map cannot be read") from error
    if cam.ndim != 2 or cam.dtype != np.float32 or not 0 < max(cam.shape) <= MAX_MAP_SIDE:
        raise CorruptPixels("the stored map cannot be read")
    return np.asarray(cam, np.float32)
