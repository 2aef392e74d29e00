"""Checks an outline that a reader drew against the model's grid and labels; runs in the decoding child (decoder.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pipelines.core.errors import BadInput, BadMask
from pipelines.imaging.grid import Affine
from pipelines.imaging.nifti_child import corner_distance, read_nifti, read_nifti_header

#: A header holds its affine as float32: the corners of a head then lie within a few micrometres of where they were.
_SAME_PLACE_MM: Final = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """The grid that the outline must lie on (the affine in RAS millimetres) and the labels it may hold beside 0."""

    shape: tuple[int, ...]
    affine: Affine
    numbers: tuple[int, ...]


def wanted_from(request: Mapping[str, object]) -> Wanted:
    """What Decoder.label_counts asks for, back from JSON."""
    shape, affine, numbers = (request[name] for name in ("shape", "affine", "numbers"))
    if not isinstance(shape, list) or not isinstance(affine, list) or not isinstance(numbers, list):
        raise BadInput("an outline is compared with a grid and with labels")
    return Wanted(
        tuple(int(length) for length in shape),
        np.array(affine, np.float64).reshape(4, 4),
        tuple(int(number) for number in numbers),
    )


def label_counts(path: Path, wanted: Wanted) -> list[int]:
    """Voxels of each wanted label, in their order; the header is compared before a voxel is read."""
    header = read_nifti_header(path)
    if header.shape != wanted.shape:
        raise BadMask("the outline has another number of voxels than the model's", code="mask_grid")
    if not corner_distance(wanted.shape, header.affine, wanted.affine) <= _SAME_PLACE_MM:
        raise BadMask("the outline lies elsewhere than the model's", code="mask_grid")
    found, voxels = np.unique(read_nifti(path), return_counts=True)
    counted = dict(zip(found.tolist(), voxels.tolist(), strict=True))
    if not set(counted) <= {0, *wanted.numbers}:
        raise BadMask("the outline holds labels that the model does not have", code="mask_labels")
    return [int(counted.get(number, 0)) for number in wanted.numbers]
