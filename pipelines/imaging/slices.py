"""Which pictures of a series are slices of one volume: drops what is none, refuses what is of several kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.core.errors import UnsuitableInput
from pipelines.core.types import InstanceFile
from pipelines.imaging.frames import FileFacts, FrameFacts, Pair, Six, Triple
from pipelines.imaging.stack import SAME_PLACE_MM, axes_of

#: Voxels of another size are a header's mistake: clinical slices are 0.1 to 15 mm apart.
SPACING_MM: Final = (0.05, 25.0)
#: Image Type values of pictures that are no slices of the volume: PS3.3 C.8.3.1.1.1, C.8.16.1, and makers' own.
_NO_SLICES: Final = frozenset({"LOCALIZER", "PROJECTION IMAGE", "MIP", "MINIP", "MNIP", "MIN_IP", "SCREEN SAVE"})
_MAGNITUDE: Final = "MAGNITUDE"
#: What shows no anatomy by itself.
_NO_ANATOMY: Final = frozenset({"PHASE", "IMAGINARY"})
_DECIMALS: Final = 3  # direction cosines and spacings that agree to so many are the same; headers round them
_ECHO_DECIMALS: Final = 1  # of a millisecond


@dataclass(frozen=True, slots=True)
class GeometryNote:
    """Something odd that was handled: a stable code, a sentence, and its numbers."""

    code: str
    sentence: str
    facts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame of one file of the series."""

    instance: InstanceFile
    file: FileFacts
    frame: FrameFacts


@dataclass(frozen=True, slots=True)
class Slice:
    """A picture whose place is known; see FrameFacts."""

    picture: Picture
    orientation: Six
    position: Triple
    spacing: Pair


def choose_slices(pictures: Sequence[Picture]) -> tuple[list[Slice], list[GeometryNote]]:
    """The pictures that are slices of one volume, and what was left out for it.

    Raises UnsuitableInput with code geometry_mosaic, geometry_no_slices, geometry_phase, geometry_colour,
    geometry_missing, geometry_orientation, geometry_spacing, geometry_mixed_sizes, geometry_mixed_frames_of_reference,
    geometry_mixed_orientation, geometry_mixed_echoes, geometry_time_points or geometry_mixed_diffusion.
    """
    notes: list[GeometryNote] = []
    if any("MOSAIC" in picture.frame.image_type for picture in pictures):
        raise UnsuitableInput("a mosaic holds all slices in one picture and is not taken apart", code="geometry_mosaic")
    chosen = _without_pictures_of_the_volume(pictures, notes)
    chosen = _without_other_components(chosen, notes)
    slices = [_placed(picture) for picture in chosen]
    _refuse_mixed_sizes(slices)
    _refuse_mixed_orientation(slices)
    _refuse_repetitions(slices)
    return slices, notes


def _without_pictures_of_the_volume(pictures: Sequence[Picture], notes: list[GeometryNote]) -> Sequence[Picture]:
    """Leave out localisers and projections, and derived pictures beside original ones."""
    kept = [picture for picture in pictures if _NO_SLICES.isdisjoint(picture.frame.image_type)]
    if not kept:
        raise UnsuitableInput(
            "the series holds localisers or projections, no slices", code="geometry_no_slices", images=len(pictures)
        )
    originals = [picture for picture in kept if "ORIGINAL" in picture.frame.image_type[:1]]
    kept = originals or kept
    if len(kept) < len(pictures):
        sentence = "localisers, projections or derived pictures beside the original slices were left out"
        notes.append(GeometryNote("left_out_no_slices", sentence, {"images": len(pictures) - len(kept)}))
    return kept


def _without_other_components(pictures: Sequence[Picture], notes: list[GeometryNote]) -> Sequence[Picture]:
    """Of magnitude beside phase, real or imaginary pictures the magnitude is the anatomy."""
    components = {picture.frame.component for picture in pictures}
    if components <= _NO_ANATOMY:
        raise UnsuitableInput("the series holds phase or imaginary pictures alone", code="geometry_phase")
    if _MAGNITUDE not in components or len(components) == 1:
        return pictures
    kept = [picture for picture in pictures if picture.frame.component == _MAGNITUDE]
    sentence = "phase, real or imaginary pictures beside the magnitude were left out"
    notes.append(GeometryNote("left_out_components", sentence, {"images": len(pictures) - len(kept)}))
    return kept


def _placed(picture: Picture) -> Slice:
    """The picture with its place, which it must have."""
    frame = picture.frame
    if picture.file.samples != 1:
        raise UnsuitableInput("a volume has one value a voxel, not colours", code="geometry_colour")
    if frame.orientation is None or frame.position is None or frame.spacing is None:
        raise UnsuitableInput("images do not say where they lie in the patient", code="geometry_missing")
    if not np.isfinite(frame.position).all():
        raise UnsuitableInput("the position of an image is no number", code="geometry_missing")
    axes_of(frame.orientation)
    if not all(SPACING_MM[0] <= each <= SPACING_MM[1] for each in frame.spacing):
        raise UnsuitableInput(
            "the pixels' spacing cannot be true",
            code="geometry_spacing",
            rows_mm=frame.spacing[0],
            columns_mm=frame.spacing[1],
        )
    return Slice(picture, frame.orientation, frame.position, frame.spacing)


def _refuse_mixed_sizes(slices: Sequence[Slice]) -> None:
    """Slices of one volume have one size, one pixel spacing and one frame of reference."""
    sizes = _counts(slices, lambda each: (each.picture.file.rows, each.picture.file.columns, _rounded(each.spacing)))
    if len(sizes) > 1:
        raise UnsuitableInput(
            "the images have several sizes or pixel spacings", code="geometry_mixed_sizes", images=sizes
        )
    frames = _counts(slices, lambda each: each.picture.file.frame_of_reference)
    if len(frames) > 1:
        raise UnsuitableInput(
            "the images lie in several frames of reference", code="geometry_mixed_frames_of_reference", images=frames
        )


def _refuse_mixed_orientation(slices: Sequence[Slice]) -> None:
    """All slices are parallel, with rows in one direction."""
    groups = _counts(slices, lambda each: _rounded(each.orientation))
    if len(groups) == 1:
        return
    # Rounding may part directions that are nearly the same: compare with the first before refusing.
    first = np.array(slices[0].orientation)
    off = max(float(np.abs(np.array(each.orientation) - first).max()) for each in slices)
    if off > 2 * 10**-_DECIMALS:
        raise UnsuitableInput("the images lie in several directions", code="geometry_mixed_orientation", images=groups)


def _refuse_repetitions(slices: Sequence[Slice]) -> None:
    """Several echoes, time points or diffusion weightings of one place: nothing says which one is meant."""
    echoes = {round(time, _ECHO_DECIMALS) for each in slices if (time := each.picture.frame.echo_time) is not None}
    weights = {weight for each in slices if (weight := each.picture.frame.b_value) is not None}
    if len(weights) > 1:
        raise UnsuitableInput(
            "the series holds several diffusion weightings", code="geometry_mixed_diffusion", weightings=len(weights)
        )
    if len(echoes) > 1:
        raise UnsuitableInput(
            "the series holds several echoes and nothing says which one is meant",
            code="geometry_mixed_echoes",
            echo_times_ms=", ".join(f"{time:g}" for time in sorted(echoes)),
            images=len(slices),
        )
    for moment in (
        lambda each: each.picture.frame.temporal_position,
        lambda each: each.picture.frame.acquisition_number,
    ):
        moments = _counts(slices, moment)
        if len(moments) > 1 and _repeats_places(slices):
            raise UnsuitableInput(
                "the series holds several time points",
                code="geometry_time_points",
                time_points=len(moments),
                images=moments,
            )


def _repeats_places(slices: Sequence[Slice]) -> bool:
    """Whether several slices share a position; scanners number slices of one time point through, too."""
    positions = np.array([each.position for each in slices])
    order = np.lexsort(positions.T)
    return bool((np.linalg.norm(np.diff(positions[order], axis=0), axis=1) < SAME_PLACE_MM).any())


def _counts(slices: Sequence[Slice], key: Callable[[Slice], Hashable]) -> tuple[int, ...]:
    """How many slices there are of each kind, the most frequent first."""
    return tuple(count for _, count in Counter(map(key, slices)).most_common())


def _rounded(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(value, _DECIMALS) + 0.0 for value in values)  # + 0.0: minus zero is zero
