"""Values that travel between the process that asks for pixels and the child that decodes them."""

from __future__ import annotations

from dataclasses import dataclass

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
    """(height, width, 3) uint8 RGB, decoded at `scale` of `original_shape` (rows, columns)."""

    array: Rgb
    original_shape: tuple[int, int]
    scale: float
