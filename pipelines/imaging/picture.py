"""Values that travel between the process that asks for pixels and the child that decodes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

#: (height, width, 3), red, green, blue, 0-255.
Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Window:
    """A grey-scale window in the units of the modality (HU in CT): centre and width, PS3.3 C.11.2.1.2."""

    centre: float
    width: float


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """(height, width, 3) uint8 RGB, decoded at `scale` of `original_shape` (rows, columns); `camera` if it is named."""

    array: Rgb
    original_shape: tuple[int, int]
    scale: float
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One kind of file: what follows the photograph's name in its own, and what the result calls it."""

    suffix: str
    kind: str
    media_type: str

    def of(self, name: str) -> str:
        """The file of the photograph `name`."""
        return f"{name}{self.suffix}"


MAP: Final = Shown("-map.npy", "map", "application/x-npy")
HEATMAP: Final = Shown("-heatmap.png", "heatmap", "image/png")
OVERLAY: Final = Shown("-overlay.png", "overlay", "image/png")
#: What is drawn of a map.
DRAWN: Final = (HEATMAP, OVERLAY)
