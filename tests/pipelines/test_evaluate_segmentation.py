from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance

from pipelines.core.errors import BadInput
from pipelines.evaluate_segmentation import dice, evaluate_segmentation, hausdorff_95, segmentation_json
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.grid import Grid
from pipelines.imaging.subject import subject_from_files
from pipelines.registry import entry
from pipelines.segmentation import HippocampusSegmentation
from pipelines.segmentation_files import labels_on_source
from tests.pipelines.mr_series import crop, write_nifti

MODEL = Path(__file__).resolve().parents[2] / "models" / "hippocampus_segmentation"


@pytest.fixture(scope="module")
def pipeline(decoder: Decoder) -> Iterator[HippocampusSegmentation]:
    return HippocampusSegmentation(MODEL, entry("segmentation"), decoder)


def label(pipeline: HippocampusSegmentation, image: Path, path: Path, offset: int = 0) -> Path:
    """What the pipeline itself outlines, as a label file."""
    with subject_from_files([image], pipeline.decoder) as local:
        done = pipeline.segment(local.subject)
    source = done.prepared.loaded.volume
    labels = labels_on_source(source, done.outlines, {"anterior": 1, "posterior": 2})
    labels = np.where(labels > 0, labels + offset, 0).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, source.grid.affine), path)
    return path


def manifest(folder: Path, *rows: str) -> Path:
    path = folder / "manifest.csv"
    path.write_text("\n".join(["path,label_path", *rows]), encoding="utf-8")
    return path


def blob(*places: slice) -> np.ndarray:
    made = np.zeros((20, 22, 18), bool)
    made[places] = True
    return made


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own call of MONAI
def test_distances_are_those_of_monai() -> None:
    one, other = blob(slice(3, 9), slice(4, 12), slice(2, 8)), blob(slice(4, 12), slice(4, 15), slice(5, 8))
    grid = Grid(one.shape, np.diag([1.0, 1.5, 2.0, 1.0]))
    tensors = [torch.from_numpy(each)[None, None].float() for each in (one, other)]
    expected = compute_hausdorff_distance(*tensors, percentile=95, spacing=[1.0, 1.5, 2.0])
    assert hausdorff_95(one, other, grid) == pytest.approx(float(expected), abs=1e-5)


def test_an_outline_of_nothing_is_as_far_as_the_field_of_view_is_long() -> None:
    nothing, one = blob(slice(0, 0)), blob(slice(3, 9), slice(4, 12), slice(2, 8))
    grid = Grid(one.shape, np.eye(4))
    assert hausdorff_95(nothing, one, grid) == pytest.approx(np.linalg.norm(one.shape))
    assert hausdorff_95(nothing, nothing, grid) == 0
    assert (dice(nothing, one), dice(nothing, nothing), dice(one, one)) == (0, 1, 1)


def test_the_pipelines_own_outline_scores_full_marks_on_either_side(
    pipeline: HippocampusSegmentation, tmp_path: Path
) -> None:
    image = write_nifti(crop(), tmp_path / "a.nii.gz")
    label(pipeline, image, tmp_path / "left.nii.gz")
    label(pipeline, image, tmp_path / "right.nii.gz", offset=2)
    done = evaluate_segmentation(manifest(tmp_path, "a.nii.gz,left.nii.gz", "a.nii.gz,right.nii.gz"), pipeline)
    assert (done.n, done.failed) == (2, ())
    for structure in ("anterior", "posterior"):
        assert done.figures[f"dice.{structure}"].value == 1
        assert done.figures[f"hd95_mm.{structure}"].value == 0
        assert done.figures[f"volume_error_percent.{structure}"].value == pytest.approx(0, abs=0.2)
    said = segmentation_json(done)
    assert said["dice.anterior"] == {"value": 1, "low": 1, "high": 1}
    assert said["dice"] == {"anterior": said["dice.anterior"], "posterior": said["dice.posterior"]}


def test_a_case_without_a_result_counts_as_nothing_found_and_is_listed(
    pipeline: HippocampusSegmentation, tmp_path: Path
) -> None:
    image = write_nifti(crop(), tmp_path / "a.nii.gz")
    label(pipeline, image, tmp_path / "l.nii.gz")
    other = write_nifti(crop(shape=(30, 40, 30)), tmp_path / "b.nii.gz")
    rows = ("a.nii.gz,l.nii.gz", "none.nii.gz,l.nii.gz", f"{other.name},l.nii.gz")
    done = evaluate_segmentation(manifest(tmp_path, *rows), pipeline)
    assert [(each.path, each.code) for each in done.failed] == [
        ("none.nii.gz", "file_not_found"),
        ("b.nii.gz", "label_grid_mismatch"),
    ]
    assert done.figures["dice.anterior"].value == pytest.approx(1 / 3)
    assert done.figures["volume_error_percent.posterior"].value == pytest.approx(200 / 3, abs=0.1)


@pytest.mark.parametrize(
    "row, words",
    [(",l.nii.gz", "without a path"), ("a.nii.gz,", "without a label_path"), ("a.nii.gz,no.nii.gz", "cannot be read")],
)
def test_a_manifest_that_names_no_truth_is_refused(
    row: str, words: str, pipeline: HippocampusSegmentation, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as refused:
        evaluate_segmentation(manifest(tmp_path, row), pipeline)
    assert refused.value.code == "bad_manifest"
    assert words in refused.value.sentence
