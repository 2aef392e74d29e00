"""Small MR series as DICOM files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pipelines.core.types import InstanceFile
from tests.pipelines.imaging.mr_slices import instance, slice_dataset

Series = Callable[..., list[InstanceFile]]


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """Write an axial series: one slice of 6 rows and 5 columns for each position along z; see slice_dataset.

    `each` maps a slice's number to attributes of that slice alone. Pixels of slice n are all n, its last one is n + 50.
    """

    def write(
        heights: Sequence[float] = tuple(range(10)),
        each: Callable[[int], dict[str, object]] = lambda n: {},
        **changes: object,
    ) -> list[InstanceFile]:
        made = []
        for number, height in enumerate(heights):
            pixels = np.full((6, 5), number, np.int16)
            pixels[-1, -1] += 50
            dataset = slice_dataset(pixels, (0.0, 0.0, height), **{**changes, **each(number)})
            made.append(instance(dataset, tmp_path / f"{number}.dcm"))
        return made

    return write
