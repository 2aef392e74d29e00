"""Made readings of hippocampi, on a classic and on an enhanced source: no model is needed to write one down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines import hippocampi
from pipelines.core import codes
from pipelines.core.types import Artifact, Explanation, ImageReading, Laterality, Quality, Reading
from pipelines.exporters.base import Source
from pipelines.imaging.dicom import DicomHeader
from pipelines.imaging.grid import Grid
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.segments import LABELS_NAME, Segment, Segments, segments_artifact
from tests.pipelines.exporters.samples import reading as eyes
from tests.pipelines.exporters.samples import source as photographs

SERIES = "1.2.3.5"
MR_IMAGE, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
SHAPE = (12, 10, 8)
#: Axes that run to the left, down and forwards, oblique by some degrees, 1 x 1 x 1.5 mm.
TURN = np.array([[-1.0, 0.0, 0.0], [0.0, -0.17364818, 0.98480775], [0.0, -0.98480775, -0.17364818]])
EXPLANATION = Explanation("seg-grad-cam", "upsamples.1", "hippocampus", {"near_structure": 0.6})


def grid() -> Grid:
    """Where the made volume lies."""
    affine = np.eye(4)
    affine[:3, :3] = TURN * np.array([1.0, 1.0, 1.5])
    affine[:3, 3] = (31.25, -17.5, 4.125)
    return Grid(SHAPE, affine)


def labels() -> np.ndarray:
    """Four structures, none of them symmetric in any axis or alike in size."""
    made = np.zeros(SHAPE, np.uint8)
    made[1:4, 2:4, 1:3], made[1:3, 5, 1], made[7:11, 2:4, 2:5], made[8, 6:9, 6] = 1, 2, 3, 4
    return made


def described(frames: tuple[tuple[str, int], ...]) -> Segments:
    """Left and right, front and back."""
    parts = {"anterior": codes.ANTERIOR, "posterior": codes.POSTERIOR}
    segments = [
        Segment(1 + number, f"{side.name.title()} hippocampus, {name} part", codes.HIPPOCAMPUS, (code,), side)
        for number, (side, name, code) in enumerate(
            (side, name, code) for side in (Laterality.LEFT, Laterality.RIGHT) for name, code in parts.items()
        )
    ]
    return Segments(tuple(segments), grid(), "1.2.3.9", frames)


def header(uid: str, sop_class: str = MR_IMAGE, frames: int = 1) -> DicomHeader:
    """The header of an MR image of the made volume."""
    return replace(
        photographs().headers[0],
        sop_instance_uid=uid,
        sop_class_uid=sop_class,
        series_instance_uid=SERIES,
        modality="MR",
        laterality=None,
        rows=SHAPE[1],
        columns=SHAPE[0],
        frames=frames,
        samples=1,
        photometric_interpretation="MONOCHROME2",
    )


def classic() -> Source:
    """An image a slice."""
    return replace(photographs(), headers=tuple(header(f"{SERIES}.{k + 1}") for k in range(SHAPE[2])))


def enhanced() -> Source:
    """One image for all slices."""
    return replace(photographs(), headers=(header(f"{SERIES}.1", ENHANCED_MR, SHAPE[2] + 2),))


def classic_frames() -> tuple[tuple[str, int], ...]:
    """Slice k is image k + 1."""
    return tuple((f"{SERIES}.{k + 1}", 1) for k in range(SHAPE[2]))


def enhanced_frames() -> tuple[tuple[str, int], ...]:
    """Slices from the last frame but one backwards: the first and the last are no part of the volume."""
    return tuple((f"{SERIES}.1", SHAPE[2] + 1 - k) for k in range(SHAPE[2]))


def reading(frames: tuple[tuple[str, int], ...], *, doubted: bool = False) -> Reading:
    """Both hippocampi, of which the right one may be in doubt."""
    reasons = (hippocampi.LOW_PREDICTED_QUALITY,) if doubted else ()
    quality = {Laterality.LEFT: Quality(True, 0.9), Laterality.RIGHT: Quality(not doubted, 0.5, reasons)}
    measured = [
        hippocampi.Measured(side, {"anterior": 1.75 - at / 4, "posterior": 1.5}, quality[side], quality[side].reasons)
        for at, side in enumerate((Laterality.LEFT, Laterality.RIGHT))
    ]
    uid = f"{SERIES}.1"
    return replace(
        eyes(),
        pipeline="segmentation",
        findings=hippocampi.findings(measured, {"hippocampus": hippocampi.VolumeError(-0.1, 0.1)}),
        images=tuple(
            ImageReading(
                uid, each.laterality, each.quality, bool(each.doubts), each.abstain_reason, EXPLANATION, (LABELS_NAME,)
            )
            for each in measured
        ),
        quality=quality[Laterality.RIGHT],
        abstained=doubted,
        abstain_reason=reasons[0] if reasons else None,
        urgency=hippocampi.urgency(measured),
        artifacts=(
            Artifact(LABELS_NAME, "segmentation", "application/x-nifti", write_nifti(labels(), grid())),
            segments_artifact(described(frames)),
        ),
    )
