from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from pipelines.core.errors import OutOfMemory, UnsuitableInput
from pipelines.core.types import Laterality, Reading
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.segments import LABELS_NAME
from pipelines.imaging.subject import subject_from_files
from pipelines.registry import entry
from pipelines.segmentation import HippocampusSegmentation
from tests.pipelines import mr_series
from tests.pipelines.mr_series import STUDY, crop, write_classic, write_enhanced, write_nifti

MODEL = Path(__file__).resolve().parents[2] / "models" / "hippocampus_segmentation"
T2 = {
    "ScanningSequence": "SE",
    "SequenceVariant": "SK",
    "RepetitionTime": 4000.0,
    "EchoTime": 100.0,
    "InversionTime": None,
}


@pytest.fixture(scope="module")
def pipeline(decoder: Decoder) -> Iterator[HippocampusSegmentation]:
    return HippocampusSegmentation(MODEL, entry("segmentation"), decoder)


def read(pipeline: HippocampusSegmentation, paths: Sequence[Path]) -> Reading:
    with subject_from_files(paths, pipeline.decoder) as local:
        return pipeline.run(local.subject)


def volumes(pipeline: HippocampusSegmentation, paths: Sequence[Path]) -> list[tuple[Laterality | None, float]]:
    """Side and total of each outline, without explanation and files."""
    with subject_from_files(paths, pipeline.decoder) as local:
        outlines = pipeline.segment(local.subject).outlines
    return [(outline.measured.laterality, outline.measured.total) for outline in outlines]


def refusal(pipeline: HippocampusSegmentation, paths: Sequence[Path]) -> UnsuitableInput:
    with pytest.raises(UnsuitableInput) as refused:
        read(pipeline, paths)
    return refused.value


def nifti(reading: Reading, name: str) -> nibabel.Nifti1Image:
    (content,) = (artifact.content for artifact in reading.artifacts if artifact.name == name)
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(content))


@pytest.fixture(scope="module")
def classic(pipeline: HippocampusSegmentation, tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """A crop of the template as slices from the front to the back."""
    return read(pipeline, write_classic(turned(crop()), tmp_path_factory.mktemp("classic")))


def turned(volume: Volume) -> Volume:
    """The same voxels counted to the left, downwards and backwards: a coronal acquisition."""
    array = volume.array[::-1, ::-1, ::-1].transpose(0, 2, 1)
    turn = np.array([[-1.0, 0, 0, 0], [0, 0, -1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    i, j, k = volume.grid.shape
    turn[:3, 3] = (i - 1, j - 1, k - 1)
    return Volume(array, Grid((array.shape[0], array.shape[1], array.shape[2]), volume.grid.affine @ turn))


def test_volumes_in_millilitres_are_those_of_the_outlined_voxels(classic: Reading) -> None:
    labels = np.asarray(nifti(classic, LABELS_NAME).dataobj)
    by_label = {finding.label: finding for finding in classic.findings}
    assert by_label["anterior"].value == pytest.approx((labels == 1).sum() / 1000, abs=2e-3)
    assert by_label["posterior"].value == pytest.approx((labels == 2).sum() / 1000, abs=2e-3)
    assert by_label["hippocampus"].value == pytest.approx((labels > 0).sum() / 1000, abs=2e-3)
    assert {finding.laterality for finding in classic.findings} == {None}


def test_every_volume_lies_on_the_source_grid(classic: Reading) -> None:
    source = turned(crop())
    for name in ("volume.nii.gz", LABELS_NAME, "uncertainty.nii.gz", "gradcam.nii.gz"):
        image = nifti(classic, name)
        assert image.shape == source.grid.shape
        np.testing.assert_allclose(image.affine, source.grid.affine, atol=1e-3)
    np.testing.assert_array_equal(np.asarray(nifti(classic, "volume.nii.gz").dataobj), source.array)


def test_maps_are_shares(classic: Reading) -> None:
    for name in ("uncertainty.nii.gz", "gradcam.nii.gz"):
        values = np.asarray(nifti(classic, name).dataobj)
        assert values.min() >= 0
        assert values.max() <= 1


def test_the_front_part_lies_in_front(classic: Reading) -> None:
    image = nifti(classic, LABELS_NAME)
    labels = np.asarray(image.dataobj)
    front, back = ((np.argwhere(labels == part) @ image.affine[:3, :3].T)[:, 1].mean() for part in (1, 2))
    assert front > back + 10


def test_however_the_voxels_are_stored_the_answer_is_one(
    pipeline: HippocampusSegmentation, classic: Reading, tmp_path: Path
) -> None:
    enhanced = volumes(pipeline, [write_enhanced(turned(crop()), tmp_path / "enhanced.dcm", backwards=True)])
    file = volumes(pipeline, [write_nifti(crop(), tmp_path / "crop.nii.gz")])
    (total,) = (finding.value for finding in classic.findings if finding.label == "hippocampus")
    assert enhanced == file == [(None, pytest.approx(total, abs=1e-4))]


def test_a_stated_side_is_kept(pipeline: HippocampusSegmentation, tmp_path: Path) -> None:
    ((side, _),) = volumes(pipeline, write_classic(crop(), tmp_path, Laterality="L"))
    assert side is Laterality.LEFT


def test_the_t1_series_is_read_and_the_receipt_says_why_no_other(
    pipeline: HippocampusSegmentation, tmp_path: Path
) -> None:
    t1 = write_classic(turned(crop()), tmp_path / "t1")
    t2 = write_enhanced(crop(), tmp_path / "t2.dcm", SeriesInstanceUID=f"{STUDY}.5", SeriesNumber=5, **T2)
    thick = crop(shape=(38, 54, 10))
    thick = replace(thick, grid=Grid(thick.grid.shape, thick.grid.affine @ np.diag([1.0, 1, 4, 1])))
    slabs = write_enhanced(thick, tmp_path / "thick.dcm", SeriesInstanceUID=f"{STUDY}.6", SeriesNumber=6)
    with subject_from_files([*t1, t2, slabs], pipeline.decoder) as local:
        choice = pipeline.load(local.subject).choice
    assert len(choice.plan.instances) == len(t1)
    said = choice.described()
    assert said["series_number"] == 4
    others = said["series_not_read"]
    assert isinstance(others, list)
    assert [(other["series_number"], other["code"]) for other in others] == [
        (5, "wrong_contrast"),
        (6, "slices_too_thick"),
    ]
    assert others[0]["reason"] == "the series is T2 weighted, the model reads T1"


def test_a_study_without_a_usable_series_says_what_is_wrong_with_each(
    pipeline: HippocampusSegmentation, tmp_path: Path
) -> None:
    t2 = write_enhanced(crop(), tmp_path / "t2.dcm", **T2)
    assert refusal(pipeline, [t2]).code == "wrong_contrast"
    few = write_classic(crop(shape=(38, 54, 5)), tmp_path, SeriesInstanceUID=f"{STUDY}.9", SeriesNumber=9)
    both = refusal(pipeline, [t2, *few])
    assert both.code == "no_usable_series"
    assert "series 4: the series is T2 weighted" in both.sentence
    assert "series 9: a volume needs at least 8 slices" in both.sentence


def test_values_that_show_nothing_are_refused(pipeline: HippocampusSegmentation, tmp_path: Path) -> None:
    constant = replace(crop(), array=np.full_like(crop().array, 7))
    assert refusal(pipeline, [write_nifti(constant, tmp_path / "constant.nii.gz")]).code == "volume_constant"
    broken = crop().array.copy()
    broken[3, 3, 3] = np.nan
    nibabel.save(nibabel.Nifti1Image(broken, crop().grid.affine), tmp_path / "nan.nii.gz")
    assert refusal(pipeline, [tmp_path / "nan.nii.gz"]).code == "volume_not_finite"


def test_a_volume_that_cannot_fit_is_refused_before_it_is_read(decoder: Decoder, tmp_path: Path) -> None:
    small = HippocampusSegmentation(MODEL, entry("segmentation"), decoder, memory_bytes=10_000_000)
    with pytest.raises(OutOfMemory) as refused:
        read(small, [write_nifti(crop(), tmp_path / "crop.nii.gz")])
    assert refused.value.code == "volume_too_large"


def test_noise_is_left_to_a_person(pipeline: HippocampusSegmentation, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 1000, crop().array.shape).astype(np.float32)
    reading = read(pipeline, [write_nifti(replace(crop(), array=noise), tmp_path / "noise.nii.gz")])
    assert reading.abstained
    assert reading.urgency == "check"
    assert reading.explanation is not None
    assert not reading.explanation.reliable


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_whole_head_gives_both_sides_each_where_it_is(pipeline: HippocampusSegmentation, tmp_path: Path) -> None:
    reading = read(pipeline, [write_enhanced(turned(mr_series.template()), tmp_path / "head.dcm")])
    totals = {each.laterality: each.value for each in reading.findings if each.label == "hippocampus"}
    assert set(totals) == {Laterality.LEFT, Laterality.RIGHT}
    assert all(isinstance(total, float) and 2 <= total <= 5.5 for total in totals.values())
    assert reading.findings[-1].label == "asymmetry"
    image = nifti(reading, LABELS_NAME)
    labels = np.asarray(image.dataobj)
    places = [np.argwhere(np.isin(labels, parts)) @ image.affine[:3, :3].T for parts in ((1, 2), (3, 4))]
    left, right = (float((each + image.affine[:3, 3])[:, 0].mean()) for each in places)
    assert left == pytest.approx(-26, abs=6)
    assert right == pytest.approx(26, abs=6)
