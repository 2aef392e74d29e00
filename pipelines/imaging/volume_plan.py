"""The geometry gate: what volume a series makes, from headers alone, or why it makes none.

Every 3D pipeline passes it before any pixel is read. What is odd but certain is handled and noted; what would have to
be guessed is refused with its numbers. docs/volumes.md lists both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pipelines.core.codes import NIFTI_FILE
from pipelines.core.errors import UnsuitableInput
from pipelines.core.types import InstanceFile
from pipelines.imaging.contrast import Weighting, weighting
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.frames import NiftiHeader
from pipelines.imaging.grid import Grid
from pipelines.imaging.slices import SPACING_MM, GeometryNote, Picture, Slice, choose_slices
from pipelines.imaging.stack import Stack, affine_ras, stack

#: Fewer are no volume: a 3D network sees nothing of a structure along the third axis.
MIN_SLICES: Final = 8
#: Twice a whole-body CT at 1 mm; a head has at most 512.
MAX_SLICES: Final = 4096
#: As float32, what a volume may take: 250 million voxels, eight heads at 0.5 mm.
MAX_BYTES: Final = 1_000_000_000
_NOTED_TILT_DEGREES: Final = 0.5
_NOTED_DISAGREEMENT_MM: Final = 0.5
#: Slices farther apart than their thickness by this factor leave tissue unseen between them.
_NOTED_GAP: Final = 1.05
#: Sine of the angle (about 30 degrees) by which a third axis must leave the plane of the others: as MAX_TILT_DEGREES.
_LEAST_DETERMINANT: Final = 0.5
_BYTES_A_VOXEL: Final = 4


#: Fourth value of Image Type (implementation specific, PS3.3 C.7.6.1.1.2) of series whose raw data state no spacing.
NOMINAL: Final = "NOMINAL"
#: The note of a volume of such a series, for those who measure.
NOMINAL_SPACING: Final = "nominal_spacing"


@dataclass(frozen=True, slots=True)
class FramePlace:
    """Which picture a slice of the volume is: the instance, and its frame counted from 0."""

    instance: InstanceFile
    frame: int


@dataclass(frozen=True, slots=True, eq=False)
class VolumePlan:
    """A volume that can be read: `places` holds one picture for each k; it is empty for a NIfTI file, which is one.

    `instances` are the files that are needed, in the order of k; `thickness` of a slice in mm where stated.
    """

    series_instance_uid: str
    modality: str
    grid: Grid
    instances: tuple[InstanceFile, ...]
    places: tuple[FramePlace, ...]
    weighting: Weighting
    thickness: float | None
    frame_of_reference: str
    notes: tuple[GeometryNote, ...]

    @property
    def is_nifti(self) -> bool:
        """Whether the source is a NIfTI file, which has no frame of reference to refer to."""
        return not self.places

    @property
    def voxels(self) -> int:
        """How many values the volume holds."""
        return int(np.prod(self.grid.shape, dtype=np.int64))

    @property
    def bytes(self) -> int:
        """What the volume takes in memory as float32."""
        return self.voxels * _BYTES_A_VOXEL


def plan_volume(instances: Sequence[InstanceFile], decoder: Decoder, max_bytes: int = MAX_BYTES) -> VolumePlan:
    """The volume that the instances of one series make; headers are read in the decoding child, no pixel is.

    Raises UnsuitableInput, its code one of docs/volumes.md, and NotAnImage where a file cannot be read.
    """
    if not instances or len({instance.series_instance_uid for instance in instances}) != 1:
        raise UnsuitableInput("a volume is made of the images of one series", code="geometry_several_series")
    _refuse_many(len(instances))
    is_nifti = any(instance.sop_class_uid == NIFTI_FILE for instance in instances)
    plan = _nifti_plan(instances, decoder) if is_nifti else _dicom_plan(instances, decoder)
    _refuse_size(plan, max_bytes)
    return plan


def _dicom_plan(instances: Sequence[InstanceFile], decoder: Decoder) -> VolumePlan:
    files = decoder.facts([instance.path for instance in instances])
    pictures = [
        Picture(instance, file, frame) for instance, file in zip(instances, files, strict=True) for frame in file.frames
    ]
    _refuse_many(len(pictures))
    slices, notes = choose_slices(pictures)
    _refuse_few(len(slices))
    first = slices[0]
    made = stack([each.position for each in slices], first.orientation, first.spacing)
    slices = [slices[place] for place in made.order]
    file, frame = first.picture.file, first.picture.frame
    return VolumePlan(
        series_instance_uid=first.picture.instance.series_instance_uid,
        modality=file.modality,
        grid=Grid((file.columns, file.rows, len(slices)), affine_ras(made, first.orientation, first.spacing)),
        instances=tuple(dict.fromkeys(each.picture.instance for each in slices)),
        places=tuple(FramePlace(each.picture.instance, each.picture.frame.index) for each in slices),
        weighting=weighting(replace(file.acquisition, echo_time=frame.echo_time)),
        thickness=frame.thickness,
        frame_of_reference=file.frame_of_reference,
        notes=(*notes, *_stack_notes(made, first)),
    )


def _stack_notes(made: Stack, first: Slice) -> list[GeometryNote]:
    notes = []
    if NOMINAL in first.picture.frame.image_type:
        notes.append(
            GeometryNote(NOMINAL_SPACING, "the voxels' size is assumed, not known: nothing may be measured", {})
        )
    if made.tilt > _NOTED_TILT_DEGREES:
        sentence = "the stack is sheared (a tilted gantry); its affine says so exactly"
        notes.append(GeometryNote("tilt", sentence, {"degrees": round(made.tilt, 2)}))
    step, thickness = float(np.linalg.norm(made.step)), first.picture.frame.thickness
    if thickness and step > _NOTED_GAP * thickness:
        sentence = "slices are farther apart than they are thick: tissue between them was not seen"
        notes.append(GeometryNote("slice_gap", sentence, {"spacing_mm": round(step, 3), "thickness_mm": thickness}))
    return notes


def _nifti_plan(instances: Sequence[InstanceFile], decoder: Decoder) -> VolumePlan:
    if len(instances) != 1:
        raise UnsuitableInput("a NIfTI series is one file", code="geometry_several_series", files=len(instances))
    header = decoder.nifti_header(instances[0].path)
    return VolumePlan(
        series_instance_uid=instances[0].series_instance_uid,
        modality=instances[0].modality,
        grid=_nifti_grid(header),
        instances=tuple(instances),
        places=(),
        weighting=Weighting.UNKNOWN,
        thickness=None,
        frame_of_reference="",
        notes=_nifti_notes(header),
    )


def _nifti_grid(header: NiftiHeader) -> Grid:
    """The grid of a NIfTI file's one volume; raises UnsuitableInput where it has several, or no usable place."""
    volumes = int(np.prod(header.shape[3:], dtype=np.int64))
    if volumes != 1:
        raise UnsuitableInput("the file holds several volumes", code="geometry_time_points", time_points=volumes)
    if not header.has_place:
        raise UnsuitableInput("the file does not say how it lies in the patient", code="geometry_missing")
    i, j, k = (*header.shape, 1, 1, 1)[:3]
    _refuse_few(min(i, j, k))
    if not np.isfinite(header.affine).all():
        raise UnsuitableInput("the file's place in the patient is no number", code="geometry_missing")
    directions = header.affine[:3, :3] / np.maximum(np.linalg.norm(header.affine[:3, :3], axis=0), 1e-9)
    if abs(np.linalg.det(directions)) < _LEAST_DETERMINANT:
        raise UnsuitableInput("the file's axes do not span a volume", code="geometry_orientation")
    return Grid((i, j, k), header.affine)


def _nifti_notes(header: NiftiHeader) -> tuple[GeometryNote, ...]:
    if header.agree_mm <= _NOTED_DISAGREEMENT_MM:
        return ()
    sentence = "the file's two statements of its place differ; the sform was taken"
    return (GeometryNote("sform_qform", sentence, {"most_mm": round(header.agree_mm, 2)}),)


def _refuse_few(slices: int) -> None:
    if slices < MIN_SLICES:
        raise UnsuitableInput(
            f"a volume needs at least {MIN_SLICES} slices", code="geometry_too_few_slices", slices=slices
        )


def _refuse_many(slices: int) -> None:
    if slices > MAX_SLICES:
        raise UnsuitableInput(
            f"a volume of more than {MAX_SLICES} slices is not read", code="too_many_slices", slices=slices
        )


def _refuse_size(plan: VolumePlan, max_bytes: int) -> None:
    """Voxels of a size that cannot be, or more of them than memory is meant for."""
    spacing = plan.grid.spacing
    if not all(SPACING_MM[0] <= each <= SPACING_MM[1] for each in spacing):
        raise UnsuitableInput(
            "the voxels' spacing cannot be true",
            code="geometry_spacing",
            spacing_mm=" x ".join(f"{each:.3g}" for each in spacing),
        )
    if plan.bytes > max_bytes:
        raise UnsuitableInput(
            "the volume is larger than is read", code="volume_too_large", bytes=plan.bytes, limit=max_bytes
        )
