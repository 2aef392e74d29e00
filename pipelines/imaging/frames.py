"""What the decoding child tells of files with frames or voxels: geometry, facts of the acquisition, values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pair = tuple[float, float]
Triple = tuple[float, float, float]
Six = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """One frame's place and kind as its header states them; what is absent or no number is None or empty.

    `index` counts from 0 in its file. `spacing` is PixelSpacing: between rows, between columns (mm); `orientation` and
    `position` are in the patient's LPS (PS3.3 C.7.6.2.1.1); times in ms; `component` is MAGNITUDE, PHASE, REAL,
    IMAGINARY or empty.
    """

    index: int
    spacing: Pair | None
    orientation: Six | None
    position: Triple | None
    thickness: float | None
    image_type: tuple[str, ...]
    component: str
    echo_time: float | None
    temporal_position: int | None
    acquisition_number: int | None
    b_value: float | None


@dataclass(frozen=True, slots=True)
class ContrastFacts:
    """What decides the weighting of an MR image: times in ms, flip angle in degrees; `names` are free text, for hints
    alone and never to be shown or logged."""

    echo_time: float | None
    repetition_time: float | None
    inversion_time: float | None
    flip_angle: float | None
    sequence: tuple[str, ...]
    variant: tuple[str, ...]
    contrast: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One DICOM image file: its frames, which share size and frame of reference."""

    modality: str
    rows: int
    columns: int
    samples: int
    frame_of_reference: str
    frames: tuple[FrameFacts, ...]
    acquisition: ContrastFacts


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Decoded frames: `array` (frames, rows, columns) float32 in the units of the modality, rescaled frame by frame."""

    array: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class NiftiHeader:
    """A NIfTI header: `shape` of 1 to 7 axes, affine (4, 4) from voxel indices to RAS+ mm.

    `has_place` is False where neither sform nor qform is set, `agree_mm` the largest distance by which the two place a
    corner of the volume differently (0 where only one is set).
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    has_place: bool
    agree_mm: float


def file_facts(fields: Mapping[str, object]) -> FileFacts:
    """FileFacts back from the JSON that the decoding child makes of them; raises KeyError, TypeError, ValueError."""
    frames, acquisition = fields["frames"], fields["acquisition"]
    if not isinstance(frames, list) or not isinstance(acquisition, dict):
        raise TypeError("no facts of a file")
    return FileFacts(
        modality=str(fields["modality"]),
        rows=int(str(fields["rows"])),
        columns=int(str(fields["columns"])),
        samples=int(str(fields["samples"])),
        frame_of_reference=str(fields["frame_of_reference"]),
        frames=tuple(FrameFacts(**{name: _frozen(value) for name, value in frame.items()}) for frame in frames),
        acquisition=ContrastFacts(**{name: _frozen(value) for name, value in acquisition.items()}),
    )


def _frozen(value: Any) -> Any:  # Any: JSON, which our own child wrote of these very classes
    """JSON arrays as tuples."""
    return tuple(value) if isinstance(value, list) else value
