"""What a label volume means and on which source pictures its slices lie: written beside it, for the SEG exporter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from pipelines.core import codes
from pipelines.core.receipt import canonical_json
from pipelines.core.types import Artifact, Code, Laterality
from pipelines.imaging.grid import Grid
from pipelines.imaging.volume_plan import VolumePlan

#: The label volume, and this description of it: artifacts of one result.
LABELS_NAME: Final = "segmentation.nii.gz"
NAME: Final = "segmentation.json"
KIND: Final = "segments"

#: A part's volume is a finding of the part's name, whichever side it is on.
_PARTS: Final[Mapping[Code, str]] = {codes.ANTERIOR: "anterior", codes.POSTERIOR: "posterior"}


@dataclass(frozen=True, slots=True)
class Segment:
    """One label value: what it is (`kind`, narrowed by `modifiers`), on which side, in words for a reader."""

    number: int
    label: str
    kind: Code
    modifiers: tuple[Code, ...] = ()
    laterality: Laterality | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """The label volume's values, its grid, and for each k the source picture: SOP Instance UID and frame from 1.

    `frames` and `frame_of_reference` are empty for a NIfTI source, which DICOM objects cannot refer to.
    """

    segments: tuple[Segment, ...]
    grid: Grid
    frame_of_reference: str
    frames: tuple[tuple[str, int], ...]


def measured_as(segment: Segment) -> str:
    """The label of the finding that holds the segment's volume; see also pipelines/bundle_findings.structure."""
    part = next((_PARTS[code] for code in segment.modifiers if code in _PARTS), None)
    words = re.findall(r"[A-Za-z0-9]+", segment.label.lower())
    return part or "_".join(words) or f"label_{segment.number}"


def segments_of(plan: VolumePlan, segments: Sequence[Segment]) -> Segments:
    """The description of labels on the grid of a planned volume."""
    frames = tuple((place.instance.sop_instance_uid, place.frame + 1) for place in plan.places)
    return Segments(tuple(segments), plan.grid, plan.frame_of_reference, frames)


def segments_artifact(described: Segments) -> Artifact:
    """The description as JSON; the affine is from voxels to RAS millimetres, in full precision."""
    content = {
        "segments": [asdict(segment) for segment in described.segments],
        "shape": list(described.grid.shape),
        "affine_ras_mm": described.grid.affine.tolist(),
        "frame_of_reference_uid": described.frame_of_reference,
        "frames": [list(frame) for frame in described.frames],
    }
    return Artifact(NAME, KIND, "application/json", canonical_json(content))


def read_segments(content: bytes) -> Segments:
    """What `segments_artifact` wrote."""
    stored = json.loads(content)
    i, j, k = (int(count) for count in stored["shape"])
    return Segments(
        segments=tuple(_segment(each) for each in stored["segments"]),
        grid=Grid((i, j, k), np.array(stored["affine_ras_mm"], np.float64)),
        frame_of_reference=str(stored["frame_of_reference_uid"]),
        frames=tuple((str(uid), int(frame)) for uid, frame in stored["frames"]),
    )


def _segment(stored: dict[str, Any]) -> Segment:  # Any: JSON
    return Segment(
        number=int(stored["number"]),
        label=str(stored["label"]),
        kind=Code(**stored["kind"]),
        modifiers=tuple(Code(**each) for each in stored["modifiers"]),
        laterality=Laterality(stored["laterality"]) if stored["laterality"] else None,
    )
