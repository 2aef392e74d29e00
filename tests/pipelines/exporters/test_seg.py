from __future__ import annotations

import io
from dataclasses import replace
from itertools import product
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from pipelines.core.errors import UnsuitableInput
from pipelines.core.types import Artifact, Reading
from pipelines.exporters.base import Source
from pipelines.exporters.seg import SegmentationExporter
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.segments import LABELS_NAME, read_segments, segments_artifact, segments_of
from pipelines.imaging.subject import subject_from_files
from pipelines.imaging.volume import plan_volume, read_volume
from tests.pipelines import mr_series
from tests.pipelines.exporters.hippocampi import (
    classic,
    classic_frames,
    described,
    enhanced,
    enhanced_frames,
    grid,
    labels,
    reading,
)

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def exported(made: Reading, source: Source) -> Dataset:
    (export,) = SegmentationExporter().export(made, source)
    return dcmread(io.BytesIO(export.content))


def places(array: np.ndarray, affine: np.ndarray, value: int) -> np.ndarray:
    """The RAS millimetres of all voxels of a value, in a fixed order."""
    points = np.argwhere(array == value) @ affine[:3, :3].T + affine[:3, 3]
    return points[np.lexsort(np.round(points, 2).T)]


def volume_of(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The object's labels and their affine to RAS, as highdicom reads it."""
    read = hd.seg.Segmentation.from_dataset(dataset).get_volume(combine_segments=True, relabel=False)
    return read.array, LPS @ read.affine


@pytest.mark.parametrize("frames, source", [(classic_frames(), classic()), (enhanced_frames(), enhanced())])
def test_every_voxel_lies_where_it_was_in_the_patient(frames: tuple[tuple[str, int], ...], source: Source) -> None:
    array, affine = volume_of(exported(reading(frames), source))
    for value in (1, 2, 3, 4):
        np.testing.assert_allclose(places(array, affine, value), places(labels(), grid().affine, value), atol=1e-3)


@pytest.mark.parametrize("frames, source", [(classic_frames(), classic()), (enhanced_frames(), enhanced())])
def test_every_frame_names_the_source_picture_that_it_lies_on(
    frames: tuple[tuple[str, int], ...], source: Source
) -> None:
    made = exported(reading(frames), source)
    normal = grid().affine[:3, 2] / np.linalg.norm(grid().affine[:3, 2])
    for group in made.PerFrameFunctionalGroupsSequence:
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient) * [-1, -1, 1]
        k = round(float((position - grid().affine[:3, 3]) @ normal / 1.5))
        image = group.DerivationImageSequence[0].SourceImageSequence[0]
        assert (image.ReferencedSOPInstanceUID, int(image.get("ReferencedFrameNumber", 1))) == frames[k]


def test_segments_are_coded_with_organ_part_and_side() -> None:
    made = exported(reading(classic_frames()), classic())
    kinds = [segment.SegmentedPropertyTypeCodeSequence[0] for segment in made.SegmentSequence]
    assert {kind.CodeValue for kind in kinds} == {"5366008"}
    modifiers = [[each.CodeValue for each in kind.SegmentedPropertyTypeModifierCodeSequence] for kind in kinds]
    assert modifiers == [
        ["255549009", "7771000"],
        ["255551008", "7771000"],
        ["255549009", "24028007"],
        ["255551008", "24028007"],
    ]
    assert made.FrameOfReferenceUID == "1.2.3.9"
    assert made.StudyInstanceUID == "1.2.3"


def test_a_signature_makes_another_object() -> None:
    before = exported(reading(classic_frames()), classic())
    after = exported(reading(classic_frames()), replace(classic(), verified_by="Smith^Jane"))
    assert before.SOPInstanceUID != after.SOPInstanceUID


def test_a_nifti_source_or_an_empty_outline_gives_no_object() -> None:
    whole = reading(classic_frames())
    nifti = replace(whole, artifacts=(whole.artifacts[0], segments_artifact(described(()))))
    nothing = write_nifti(labels() * np.uint8(0), grid())
    empty = replace(whole, artifacts=(replace(whole.artifacts[0], content=nothing), whole.artifacts[1]))
    for made in (nifti, empty, replace(whole, artifacts=())):
        assert SegmentationExporter().export(made, classic()) == ()


def test_a_source_whose_headers_are_missing_is_refused() -> None:
    with pytest.raises(UnsuitableInput):
        SegmentationExporter().export(reading(classic_frames()), enhanced())


def test_what_segments_mean_is_read_back_as_written() -> None:
    made = described(classic_frames())
    again = read_segments(segments_artifact(made).content)
    assert (again.segments, again.frames, again.frame_of_reference) == (made.segments, made.frames, "1.2.3.9")
    np.testing.assert_array_equal(again.grid.affine, made.grid.affine)


#: Every way in which columns, rows and slices can run in the patient: 6 orders of the axes times 8 directions.
ORDERS = list(product([(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)], product((1, -1), repeat=3)))


@pytest.mark.parametrize(
    "orders", [pytest.param(ORDERS[::7], id="some"), pytest.param(ORDERS, id="all", marks=pytest.mark.slow)]
)
def test_nothing_flips_from_dicom_to_volume_to_mask_to_seg_and_back(
    orders: list[tuple[tuple[int, ...], tuple[int, ...]]], decoder: Decoder, tmp_path: Path
) -> None:
    made = np.zeros((9, 8, 10), np.float32)
    made[1:4, 2:7, 3:5], made[6, 2, 3:9], made[6:8, 6, 8] = 300, 600, 900
    for number, (order, directions) in enumerate(orders):
        affine = np.eye(4)
        affine[:3, :3] = np.eye(3)[:, list(order)] * np.array(directions) * (1.0, 1.25, 1.5)
        affine[:3, 3] = (12.5, -40, 7)
        given = Volume(made, Grid(made.shape, affine))
        paths = mr_series.write_classic(given, tmp_path / str(number))
        with subject_from_files(paths, decoder, "series") as local:
            plan = plan_volume(local.subject.instances, decoder)
            mask = np.rint(read_volume(plan, decoder).array / 300).astype(np.uint8)
            segments = described(()).segments[:3]
            artifacts = (
                Artifact(LABELS_NAME, "segmentation", "application/x-nifti", write_nifti(mask, plan.grid)),
                segments_artifact(segments_of(plan, segments)),
            )
            source = replace(classic(), headers=local.headers)
        array, found = volume_of(exported(replace(reading(()), artifacts=artifacts), source))
        for value in (1, 2, 3):
            expected = places(np.rint(made / 300), affine, value)
            np.testing.assert_allclose(places(array, found, value), expected, atol=1e-3)
