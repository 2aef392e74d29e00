from __future__ import annotations

import gzip
import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRBigEndian, JPEGLSLossless, RLELossless

from pipelines.core.codes import NIFTI_FILE
from pipelines.core.errors import BadInput, CorruptPixels, NotAnImage, UnsuitableInput
from pipelines.core.types import InstanceFile
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.resample import resample_labels
from pipelines.imaging.volume import Grid, Volume, check_values, plan_volume, read_volume, to_ras
from tests.pipelines.imaging.mr_slices import instance, slice_dataset

Series = Callable[..., list[InstanceFile]]
Triple = tuple[float, float, float]
DIRECTIONS = [tuple(sign * np.eye(3)[axis]) for axis in range(3) for sign in (1, -1)]
#: Rows and columns along any axis of the patient, either way: every acquisition plane and every flip of it.
PLANES = [(row, column) for row, column in itertools.product(DIRECTIONS, repeat=2) if abs(np.dot(row, column)) < 0.5]
SHAPE = (5, 6, 8)  # columns, rows, slices
SPACING = (1.5, 2.0, 3.0)  # between columns, rows, slices


def brightness(place_lps: NDArray[np.float64]) -> NDArray[np.float64]:
    """A patient whose every place has a value of its own: brighter to the left, to the back, and most to the top."""
    return place_lps @ [1.0, 20.0, 400.0]


def acquired(row: Triple, column: Triple, folder: Path, backwards: bool = False) -> list[InstanceFile]:
    """The patient above, sampled on slices along `row` and `column` by the equation of PS3.3 C.7.6.2.1.1."""
    right, down = np.array(row), np.array(column)
    normal = np.cross(right, down)
    made = []
    for number in range(SHAPE[2]):
        origin = np.array([7.0, -4.0, 11.0]) + number * SPACING[2] * normal * (-1 if backwards else 1)
        places = [
            [origin + i * SPACING[0] * right + j * SPACING[1] * down for i in range(SHAPE[0])] for j in range(SHAPE[1])
        ]
        dataset = slice_dataset(
            np.rint(brightness(np.array(places))).astype(np.int16),
            tuple(origin),
            ImageOrientationPatient=[float(each) for each in (*row, *column)],
            PixelSpacing=[SPACING[1], SPACING[0]],
            SliceThickness=SPACING[2],
        )
        made.append(instance(dataset, folder / f"{number}.dcm"))
    return made


def expected(grid: Grid) -> NDArray[np.float64]:
    """What the patient shows at each voxel of a grid."""
    indices = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    ras = indices @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    return brightness(ras * [-1, -1, 1])


def read(instances: list[InstanceFile], decoder: Decoder) -> Volume:
    return read_volume(plan_volume(instances, decoder), decoder)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("row", "column"), PLANES)
def test_nothing_flips_in_any_of_48_orientations(
    row: Triple, column: Triple, backwards: bool, tmp_path: Path, decoder: Decoder
) -> None:
    volume = read(acquired(row, column, tmp_path, backwards), decoder)
    np.testing.assert_allclose(volume.array, expected(volume.grid), atol=0.51)
    turned = to_ras(volume)
    assert nibabel.aff2axcodes(turned.grid.affine) == ("R", "A", "S")
    np.testing.assert_allclose(turned.array, expected(turned.grid), atol=0.51)
    stored = nibabel.Nifti1Image.from_bytes(gzip.decompress(write_nifti(turned.array, turned.grid)))
    np.testing.assert_allclose(stored.affine, turned.grid.affine, atol=1e-5)
    assert np.array_equal(np.asanyarray(stored.dataobj), turned.array)


@pytest.mark.parametrize("degrees", [0, 8, 31])
@pytest.mark.parametrize(("row", "column"), PLANES[::5])
def test_oblique_affines_agree_with_highdicoms(
    row: Triple, column: Triple, degrees: int, tmp_path: Path, decoder: Decoder
) -> None:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    turn = turn @ np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    instances = acquired(tuple(turn @ row), tuple(turn @ column), tmp_path)
    volume = read(instances, decoder)
    np.testing.assert_allclose(volume.array, expected(volume.grid), atol=0.51)
    theirs = highdicom.get_volume_from_series([dcmread(each.path) for each in instances])
    for corner in itertools.product(*((0, length - 1) for length in SHAPE)):
        ras = volume.grid.point(corner)
        there = theirs.map_reference_to_indices(np.array([ras * [-1, -1, 1]]))[0]
        assert np.allclose(there, np.rint(there), atol=1e-3)
        k, j, i = np.rint(there).astype(int)
        assert theirs.array[k, j, i] == volume.array[corner]


def enhanced(datasets: list[Dataset], path: Path, order: list[int]) -> InstanceFile:
    """Slices as one enhanced object, its frames in `order`; geometry and rescale are each frame's own."""
    whole = slice_dataset(np.zeros((1, 1), np.int16), (0, 0, 0), SOPClassUID=EnhancedMRImageStorage)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(whole, keyword)
    whole.Rows, whole.Columns, whole.NumberOfFrames = datasets[0].Rows, datasets[0].Columns, len(order)
    shared, frames = Dataset(), []
    for place, number in enumerate(order):
        source, frame = datasets[number], Dataset()
        frame.PlanePositionSequence = Sequence([Dataset()])
        frame.PlanePositionSequence[0].ImagePositionPatient = source.ImagePositionPatient
        frame.PixelValueTransformationSequence = Sequence([Dataset()])
        frame.PixelValueTransformationSequence[0].RescaleSlope = place + 1
        frame.PixelValueTransformationSequence[0].RescaleIntercept = -place
        frames.append(frame)
    shared.PlaneOrientationSequence = Sequence([Dataset()])
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = datasets[0].ImageOrientationPatient
    shared.PixelMeasuresSequence = Sequence([Dataset()])
    shared.PixelMeasuresSequence[0].PixelSpacing = datasets[0].PixelSpacing
    whole.SharedFunctionalGroupsSequence = Sequence([shared])
    whole.PerFrameFunctionalGroupsSequence = Sequence(frames)
    whole.PixelData = b"".join(datasets[number].PixelData for number in order)
    return instance(whole, path)


def test_an_enhanced_object_gives_the_volume_of_its_frames_in_any_order(tmp_path: Path, decoder: Decoder) -> None:
    classic = acquired((0, 1, 0), (0, 0, -1), tmp_path)
    order = [3, 0, 7, 1, 6, 2, 5, 4]
    one = enhanced([dcmread(each.path) for each in classic], tmp_path / "enhanced.dcm", order)
    ours, theirs = read([one], decoder), read(classic, decoder)
    np.testing.assert_allclose(ours.grid.affine, theirs.grid.affine)
    places = np.argsort(order)
    np.testing.assert_allclose(ours.array, theirs.array * (places + 1) - places)


def test_each_slice_is_rescaled_by_its_own_slope(series: Series, decoder: Decoder) -> None:
    instances = series(each=lambda n: {"RescaleSlope": n + 1, "RescaleIntercept": -n})
    assert read(instances, decoder).array[0, 0].tolist() == [n * (n + 1) - n for n in range(10)]


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
def test_compressed_slices_give_the_same_values(series: Series, decoder: Decoder, syntax: str) -> None:
    instances = series(PixelRepresentation=0)
    plain = read(instances, decoder).array
    for each in instances:
        dataset = dcmread(each.path)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(each.path)
    assert np.array_equal(read(instances, decoder).array, plain)


def test_big_endian_slices_give_the_same_values(tmp_path: Path, decoder: Decoder) -> None:
    made = []
    for number in range(8):
        pixels = np.arange(30, dtype=np.int16).reshape(6, 5) * 300 - number
        dataset = slice_dataset(pixels, (0, 0, number), PixelData=pixels.astype(">i2").tobytes())
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        made.append(instance(dataset, tmp_path / f"{number}.dcm"))
    assert read(made, decoder).array[4, 5].tolist() == [29 * 300 - number for number in range(8)]


def test_pixels_that_are_not_square_are_in_the_affine(series: Series, decoder: Decoder) -> None:
    grid = plan_volume(series(PixelSpacing=[2.0, 0.5]), decoder).grid
    assert (grid.shape, grid.spacing) == ((5, 6, 10), (0.5, 2.0, 1.0))


@pytest.mark.parametrize(
    ("value", "code"), [(np.nan, "volume_not_finite"), (np.inf, "volume_not_finite"), (4.0, "volume_constant")]
)
def test_a_volume_that_shows_nothing_is_refused(value: float, code: str) -> None:
    array = np.full((8, 8, 8), 4.0, np.float32)
    array[3, 4, 5] = value
    with pytest.raises(UnsuitableInput) as refused:
        check_values(Volume(array, Grid((8, 8, 8), np.eye(4))))
    assert refused.value.code == code


def nifti_instance(path: Path) -> InstanceFile:
    return InstanceFile(path, "0", "1.2.3.4.5", NIFTI_FILE, "MR", "1.2.3.4", "1.2.3")


@pytest.mark.parametrize("side", [0, -8])
def test_a_nifti_file_of_a_side_without_voxels_is_broken(side: int, tmp_path: Path, decoder: Decoder) -> None:
    content = bytearray(gzip.decompress(write_nifti(np.zeros((8, 8, 8), np.float32), Grid((8, 8, 8), np.eye(4)))))
    struct.pack_into("<h", content, 42, side)  # dim[1] of the NIfTI-1 header
    (tmp_path / "blob").write_bytes(content)
    with pytest.raises(NotAnImage) as refused:
        decoder.nifti_header(tmp_path / "blob")
    assert refused.value.code == "broken_nifti"


def test_nan_in_a_nifti_file_arrives_as_nan(tmp_path: Path, decoder: Decoder) -> None:
    array = np.zeros((8, 8, 8), np.float32)
    array[1, 2, 3] = np.nan
    (tmp_path / "blob").write_bytes(write_nifti(array, Grid((8, 8, 8), np.eye(4))))
    found = read([nifti_instance(tmp_path / "blob")], decoder).array
    assert np.argwhere(np.isnan(found)).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("keep", "kind", "code"),
    [(5000, CorruptPixels, "truncated_pixels"), (100, NotAnImage, "broken_nifti"), (0, NotAnImage, "broken_nifti")],
)
def test_a_truncated_nifti_file_is_refused(
    keep: int, kind: type[BadInput], code: str, tmp_path: Path, decoder: Decoder
) -> None:
    noise = np.random.default_rng(1).normal(size=(16, 16, 16)).astype(np.float32)
    (tmp_path / "blob").write_bytes(write_nifti(noise, Grid((16, 16, 16), np.eye(4)))[:keep])
    with pytest.raises(kind) as refused:
        read([nifti_instance(tmp_path / "blob")], decoder)
    assert refused.value.code == code


def test_the_same_volume_gives_the_same_nifti_bytes() -> None:
    array = np.arange(512, dtype=np.uint8).reshape(8, 8, 8)
    grid = Grid((8, 8, 8), np.diag([-1.0, 2.0, 3.0, 1.0]))
    assert write_nifti(array, grid) == write_nifti(array.copy(order="F"), grid)


def test_labels_come_back_where_they_were_through_a_turned_grid() -> None:
    source = Grid((30, 40, 20), np.array([[0, 0, -1.5, 20], [-0.8, 0, 0, 12], [0, -0.8, 0, 15], [0, 0, 0, 1.0]]))
    labels = np.zeros(source.shape, np.uint8)
    labels[5:15, 8:30, 4:14], labels[15:25, 8:20, 4:14] = 1, 2
    angle = np.radians(20)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = turn
    affine[:3, 3] = source.centre - turn @ [24.5, 24.5, 24.5]
    there = resample_labels(labels, source, Grid((50, 50, 50), affine))
    back = resample_labels(there, Grid((50, 50, 50), affine), source)
    for label in (1, 2):
        overlap = 2 * ((labels == label) & (back == label)).sum() / ((labels == label).sum() + (back == label).sum())
        assert overlap > 0.93
    assert set(np.unique(there)) == {0, 1, 2}
    assert abs((there == 1).sum() - (labels == 1).sum() * source.voxel_ml * 1000) < 0.04 * (there == 1).sum()
