from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from pipelines.core.codes import NIFTI_FILE
from pipelines.core.errors import UnsuitableInput
from pipelines.core.types import InstanceFile
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.volume import place_of_frames, plan_volume, read_volume

Series = Callable[..., list[InstanceFile]]
NINE = np.radians(9)


def refusal(instances: list[InstanceFile], decoder: Decoder) -> UnsuitableInput:
    with pytest.raises(UnsuitableInput) as refused:
        plan_volume(instances, decoder)
    return refused.value


def nifti(path: Path, image: nibabel.Nifti1Image) -> InstanceFile:
    path.write_bytes(image.to_bytes())
    return InstanceFile(path, "0", "1.2.3.4.5", NIFTI_FILE, "MR", "1.2.3.4", "1.2.3")


def test_slices_are_ordered_by_position_whatever_their_numbers_say(series: Series, decoder: Decoder) -> None:
    shuffled = [4.0, 0.0, 9.0, 2.0, 7.0, 1.0, 8.0, 3.0, 6.0, 5.0]
    instances = series(shuffled, each=lambda n: {"InstanceNumber": 10 - n})
    plan = plan_volume(instances, decoder)
    assert [shuffled[instances.index(place.instance)] for place in plan.places] == sorted(shuffled)
    assert read_volume(plan, decoder).array[0, 0].tolist() == np.argsort(shuffled).tolist()


def test_the_source_of_each_slice_is_named_as_dicom_names_it(series: Series, decoder: Decoder) -> None:
    instances = series()
    expected = tuple((instance.sop_instance_uid, 1) for instance in instances)
    assert place_of_frames(plan_volume(instances[::-1], decoder)) == expected


def test_nothing_but_headers_is_read_for_a_plan(series: Series, decoder: Decoder) -> None:
    assert plan_volume(series(PixelData=b"\0\0", Rows=30000, Columns=1), decoder).grid.shape == (1, 30000, 10)


@pytest.mark.parametrize(
    ("heights", "changes", "code", "facts"),
    [
        ([0.0], {}, "geometry_too_few_slices", {"slices": 1}),
        (range(7), {}, "geometry_too_few_slices", {"slices": 7}),
        (
            [0, 1, 2, 3, 6, 7, 8, 9, 10],
            {},
            "geometry_gap",
            {"missing": 2, "after_slice": 4, "slices": 9, "spacing_mm": 1.0},
        ),
        ([0, 1, 2, 3, 4.3, 5, 6, 7, 8], {}, "geometry_uneven_spacing", {"least_mm": 0.7, "most_mm": 1.3}),
        ([*range(8), *range(8)], {}, "geometry_duplicate_positions", {"images": 16, "positions": 8}),
        (range(10), {"PixelSpacing": [0.0, 1.0]}, "geometry_spacing", {"rows_mm": 0.0, "columns_mm": 1.0}),
        (range(0, 300, 30), {}, "geometry_spacing", {"spacing_mm": "1 x 1 x 30"}),
        (range(10), {"ImagePositionPatient": None}, "geometry_missing", {}),
        (range(10), {"ImageOrientationPatient": None}, "geometry_missing", {}),
        (range(10), {"PixelSpacing": None}, "geometry_missing", {}),
        (range(10), {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "geometry_orientation", {}),
        (range(10), {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "geometry_no_slices", {"images": 10}),
        (range(10), {"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "geometry_no_slices", {"images": 10}),
        (range(10), {"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "geometry_mosaic", {}),
        (range(10), {"ImageType": ["ORIGINAL", "PRIMARY", "P"]}, "geometry_phase", {}),
    ],
)
def test_what_makes_no_volume_is_refused_with_its_numbers(
    series: Series,
    decoder: Decoder,
    heights: list[float],
    changes: dict[str, object],
    code: str,
    facts: dict[str, object],
) -> None:
    refused = refusal(series([float(each) for each in heights], **changes), decoder)
    assert (refused.code, refused.facts) == (code, facts)


@pytest.mark.parametrize(
    ("each", "code", "fact"),
    [
        ({"EchoTime": 7.65}, "geometry_mixed_echoes", ("echo_times_ms", "5.2, 7.7")),
        ({"TemporalPositionIdentifier": 2}, "geometry_time_points", ("time_points", 2)),
        ({"AcquisitionNumber": 2}, "geometry_time_points", ("images", (8, 8))),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "geometry_mixed_orientation", ("images", (8, 8))),
        ({"PixelSpacing": [2, 2]}, "geometry_mixed_sizes", ("images", (8, 8))),
        ({"FrameOfReferenceUID": "1.2.8"}, "geometry_mixed_frames_of_reference", ("images", (8, 8))),
    ],
)
def test_two_kinds_of_images_in_one_series_are_refused(
    series: Series, decoder: Decoder, each: dict[str, object], code: str, fact: tuple[str, object]
) -> None:
    first = {"EchoTime": 5.19, "TemporalPositionIdentifier": 1, "AcquisitionNumber": 1}
    instances = series([float(n) for n in (*range(8), *range(8))], each=lambda n: each if n >= 8 else {}, **first)
    refused = refusal(instances, decoder)
    assert (refused.code, refused.facts[fact[0]]) == (code, fact[1])


def test_acquisitions_that_interleave_are_one_time_point(series: Series, decoder: Decoder) -> None:
    instances = series(each=lambda n: {"AcquisitionNumber": n % 2})
    assert plan_volume(instances, decoder).grid.shape == (5, 6, 10)


def test_phase_beside_magnitude_is_left_out_and_noted(series: Series, decoder: Decoder) -> None:
    heights = [float(n) for n in (*range(8), *range(8))]
    plan = plan_volume(series(heights, each=lambda n: {"ImageType": ["ORIGINAL", "PRIMARY", "MP"[n // 8]]}), decoder)
    assert [(note.code, note.facts) for note in plan.notes] == [("left_out_components", {"images": 8})]
    assert read_volume(plan, decoder).array[0, 0].tolist() == list(range(8))


def test_derived_pictures_beside_the_slices_are_left_out_and_noted(series: Series, decoder: Decoder) -> None:
    derived = {"ImageType": ["DERIVED", "SECONDARY", "MPR"], "ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}
    plan = plan_volume(series(range(12), each=lambda n: derived if n >= 9 else {}), decoder)
    assert [(note.code, note.facts) for note in plan.notes] == [("left_out_no_slices", {"images": 3})]
    assert plan.grid.shape == (5, 6, 9)


def test_a_tilted_gantry_is_in_the_affine_and_noted(series: Series, decoder: Decoder) -> None:
    plan = plan_volume(
        series(each=lambda n: {"ImagePositionPatient": [0.0, float(n * np.tan(NINE)), float(n)]}), decoder
    )
    assert [(note.code, note.facts) for note in plan.notes] == [("tilt", {"degrees": 9.0})]
    np.testing.assert_allclose(plan.grid.affine[:3, 2], [0.0, -np.tan(NINE), 1.0], atol=1e-9)


def test_a_shear_that_no_gantry_makes_is_refused(series: Series, decoder: Decoder) -> None:
    refused = refusal(series(each=lambda n: {"ImagePositionPatient": [0.0, float(n), float(n)]}), decoder)
    assert (refused.code, refused.facts) == ("geometry_tilt", {"degrees": 45.0})


def test_slices_shifted_against_each_other_are_refused(series: Series, decoder: Decoder) -> None:
    refused = refusal(series(each=lambda n: {"ImagePositionPatient": [float(n % 2), 0.0, float(n)]}), decoder)
    assert refused.code == "geometry_shifted_slices"


def test_slices_that_leave_gaps_of_unseen_tissue_are_noted(series: Series, decoder: Decoder) -> None:
    plan = plan_volume(series([6.5 * n for n in range(10)], SliceThickness=5.0), decoder)
    assert [(note.code, note.facts) for note in plan.notes] == [("slice_gap", {"spacing_mm": 6.5, "thickness_mm": 5.0})]


def test_a_series_of_too_many_slices_is_refused_before_anything_is_read(series: Series, decoder: Decoder) -> None:
    refused = refusal([series([0.0])[0]] * 5000, decoder)
    assert (refused.code, refused.facts) == ("too_many_slices", {"slices": 5000})


def test_a_volume_larger_than_memory_allows_is_refused_from_its_header(series: Series, decoder: Decoder) -> None:
    with pytest.raises(UnsuitableInput) as refused:
        plan_volume(series(), decoder, max_bytes=5 * 6 * 10 * 4 - 1)
    assert (refused.value.code, refused.value.facts) == ("volume_too_large", {"bytes": 1200, "limit": 1199})


def test_several_series_make_no_volume(series: Series, decoder: Decoder) -> None:
    assert refusal(series(each=lambda n: {"SeriesInstanceUID": f"1.2.{n}"}), decoder).code == "geometry_several_series"


def test_a_nifti_file_is_planned_by_its_header(tmp_path: Path, decoder: Decoder) -> None:
    affine = np.array([[-2.0, 0, 0, 9], [0, 3.0, 0, 8], [0, 0, 4.0, 7], [0, 0, 0, 1]])
    stored = np.arange(8 * 9 * 10, dtype=np.int16).reshape(8, 9, 10)
    plan = plan_volume([nifti(tmp_path / "blob", nibabel.Nifti1Image(stored, affine))], decoder)
    assert (plan.grid.shape, plan.grid.spacing, plan.is_nifti) == ((8, 9, 10), (2.0, 3.0, 4.0), True)
    volume = read_volume(plan, decoder)
    assert np.array_equal(volume.array, stored)
    np.testing.assert_array_equal(volume.grid.affine, affine)


def test_a_nifti_file_with_two_time_points_is_refused(tmp_path: Path, decoder: Decoder) -> None:
    image = nibabel.Nifti1Image(np.zeros((8, 8, 8, 2), np.int16), np.eye(4))
    assert refusal([nifti(tmp_path / "blob", image)], decoder).code == "geometry_time_points"


def test_a_nifti_file_that_does_not_say_how_it_lies_is_refused(tmp_path: Path, decoder: Decoder) -> None:
    image = nibabel.Nifti1Image(np.zeros((8, 8, 8), np.int16), None)
    assert refusal([nifti(tmp_path / "blob", image)], decoder).code == "geometry_missing"


def test_two_statements_of_a_nifti_files_place_that_differ_are_noted(tmp_path: Path, decoder: Decoder) -> None:
    image = nibabel.Nifti1Image(np.zeros((8, 8, 8), np.int16), np.eye(4))
    image.set_sform(np.diag([1.0, 1.0, 2.0, 1.0]), 1)
    image.set_qform(np.eye(4), 1)
    plan = plan_volume([nifti(tmp_path / "blob", image)], decoder)
    assert [(note.code, note.facts) for note in plan.notes] == [("sform_qform", {"most_mm": 7.0})]
    assert plan.grid.spacing == (1.0, 1.0, 2.0)
