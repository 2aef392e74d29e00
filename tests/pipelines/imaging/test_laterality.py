from __future__ import annotations

import pytest

from pipelines.core.types import Laterality
from pipelines.imaging.laterality import from_name, without_side


@pytest.mark.parametrize(
    "name", ["7_OD.jpg", "R.png", "right-eye.tif", "10_Right.jpeg", "folder_L/x_R.jpg", "eyeOD.jpg"]
)
def test_a_right_eye_is_named(name: str) -> None:
    assert from_name(name) is Laterality.RIGHT


@pytest.mark.parametrize(
    "name", ["7_os.jpg", "L2.png", "left.tif", "P12 LEFT (1).jpeg", "10_left.jpeg", "scans\\x_L.jpg"]
)
def test_a_left_eye_is_named(name: str) -> None:
    assert from_name(name) is Laterality.LEFT


@pytest.mark.parametrize(
    "name", ["IMG_0042.jpg", "leftover.png", "R_vs_L.png", "right/photo.jpg", "", "bright.jpg", "photo.r"]
)
def test_a_name_that_states_no_single_side_gives_none(name: str) -> None:
    assert from_name(name) is None


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("visits/10_left.jpeg", "10"),
        ("10_right.jpeg", "10"),
        ("patient7OD.jpg", "patient7"),
        ("p7_OS_2.png", "p7_2"),
        ("L-12.2020.jpg", "12.2020"),
        ("OS.png", ""),
        ("IMG_0042.jpg", "IMG_0042"),
        ("R_vs_L.png", "R_vs_L"),
        ("McDonald.png", "McDonald"),
    ],
)
def test_what_a_name_says_besides_the_side_is_the_same_for_both_eyes(name: str, rest: str) -> None:
    assert without_side(name) == rest
