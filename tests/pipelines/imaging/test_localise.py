from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.core.errors import UnsuitableInput
from pipelines.core.types import Laterality
from pipelines.imaging.coarse import shrunk
from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.localise import BOX, Located, is_whole_head, locate_hippocampi
from tests.pipelines import mr_series

LEFT, RIGHT = (-25.0, -24.0, -11.0, 1.0), (25.0, -24.0, -11.0, 1.0)


def pose() -> NDArray[np.float64]:
    """A head nodding by 25 degrees, turned by 12, smaller than the template, and far off the origin."""
    nod, turn = np.radians(25), np.radians(12)
    nodded = np.array([[1, 0, 0], [0, np.cos(nod), -np.sin(nod)], [0, np.sin(nod), np.cos(nod)]])
    turned = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = 0.92 * turned @ nodded, (30.0, -20.0, 55.0)
    return moved


@pytest.fixture(scope="module")
def head() -> Volume:
    """The template in that pose, at 2 mm."""
    small = shrunk(mr_series.template(), 2.0)
    return Volume(small.array, Grid(small.grid.shape, pose() @ small.grid.affine))


@pytest.fixture(scope="module")
def located(head: Volume) -> Located:
    return locate_hippocampi(head)


@pytest.mark.parametrize(("side", "place"), [(Laterality.LEFT, LEFT), (Laterality.RIGHT, RIGHT)])
def test_each_hippocampus_is_in_the_middle_of_its_box(
    located: Located, side: Laterality, place: tuple[float, ...]
) -> None:
    assert np.linalg.norm(located.boxes[side].centre - (pose() @ place)[:3]) < 2.0
    assert located.score > 0.8


def test_a_box_is_turned_with_the_head_but_not_stretched(located: Located) -> None:
    box = located.boxes[Laterality.LEFT]
    assert box.shape == BOX
    assert box.spacing == pytest.approx((1.0, 1.0, 1.0))
    directions = box.affine[:3, :3]
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-9)
    right, front, _ = (pose()[:3, :3] / 0.92).T
    assert directions[:, 0] @ right > np.cos(np.radians(3))
    assert np.degrees(np.arccos(directions[:, 1] @ front)) == pytest.approx(9, abs=3)


def test_the_same_head_gives_the_same_boxes_bit_for_bit(located: Located, head: Volume) -> None:
    state = np.random.get_state()[1].copy()
    again = locate_hippocampi(head)
    assert (again.transform.tobytes(), again.score) == (located.transform.tobytes(), located.score)
    assert np.array_equal(np.random.get_state()[1], state)


def test_noise_is_no_head() -> None:
    noise = np.random.default_rng(3).normal(size=(25, 30, 25)).astype(np.float32) ** 2
    with pytest.raises(UnsuitableInput) as refused:
        locate_hippocampi(Volume(noise, Grid((25, 30, 25), np.diag([8.0, 8.0, 8.0, 1.0]))))
    assert refused.value.code == "localisation_poor"


def test_an_empty_volume_is_no_head() -> None:
    with pytest.raises(UnsuitableInput) as refused:
        locate_hippocampi(Volume(np.zeros((50, 60, 50), np.float32), Grid((50, 60, 50), np.eye(4))))
    assert refused.value.code == "localisation_poor"


@pytest.mark.parametrize(
    ("shape", "is_head"), [((256, 256, 170), True), ((35, 51, 35), False), ((256, 256, 60), False)]
)
def test_a_small_field_of_view_is_a_crop(shape: tuple[int, int, int], is_head: bool) -> None:
    assert is_whole_head(Grid(shape, np.eye(4))) is is_head
