from __future__ import annotations

import itertools

import numpy as np
import pytest
from monai.inferers.inferer import SlidingWindowInferer
from numpy.typing import NDArray
from torch import Tensor, from_numpy

from pipelines.nets.sliding import Tiling, gaussian, slide, window_at

Array = NDArray[np.float32]


def same_and_squared(windows: Array) -> Array:
    """Two classes that depend on each voxel alone."""
    return np.concatenate([windows, windows**2], axis=1)


def edge_dependent(windows: Array) -> Array:
    """One class that is wrong at every window's border, as networks are."""
    answer = windows.copy()
    answer[..., 0] += 1
    return answer


def volume(*shape: int) -> Array:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(8, 8, 8), (5, 9, 3), (16, 8, 8), (21, 13, 30)])
def test_what_depends_on_voxels_alone_is_the_same_with_and_without_windows(shape: tuple[int, int, int]) -> None:
    given = volume(*shape)
    found = slide(given, Tiling((8, 8, 8), 0.5, 3), same_and_squared)
    np.testing.assert_allclose(found, [given, given**2], atol=1e-5)


def test_the_batch_changes_nothing() -> None:
    given = volume(20, 12, 17)
    one, many = (slide(given, Tiling((8, 8, 8), 0.5, batch), edge_dependent) for batch in (1, 5))
    np.testing.assert_allclose(one, many, atol=1e-6)


def test_windows_cover_every_voxel_and_overlap_at_least_as_asked() -> None:
    for length, side in itertools.product(range(8, 40), (8, 16)):
        starts = sorted({start[0] for start in Tiling((side, 8, 8), 0.5, 1).starts((max(length, side), 8, 8))})
        assert starts[0] == 0
        assert starts[-1] == max(length, side) - side
        assert all(after - before <= side // 2 for before, after in itertools.pairwise(starts))


def test_a_border_counts_less_than_a_middle() -> None:
    weights = gaussian((8, 8, 8))
    assert weights.max() == weights[3, 3, 3] == 1
    assert weights.min() == weights[0, 0, 0] > 0
    found = slide(np.zeros((8, 8, 12), np.float32), Tiling((8, 8, 8), 0.5, 1), edge_dependent)[0]
    assert found[4, 4, 4] < 0.2  # where a second window begins, the first one's middle speaks louder


def test_blending_is_monais_where_windows_lie_in_the_same_places() -> None:
    given = volume(12, 8, 8)

    def predict(windows: Tensor) -> Tensor:
        return from_numpy(edge_dependent(windows.numpy()))

    inferer = SlidingWindowInferer((8, 8, 8), 2, 0.5, mode="gaussian", sigma_scale=0.125)
    theirs = inferer(from_numpy(given)[None, None], predict)[0].numpy()
    ours = slide(given, Tiling((8, 8, 8), 0.5, 2), edge_dependent)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_window_is_cut_around_a_voxel_and_put_back_in_its_place() -> None:
    given = np.arange(10 * 6 * 20, dtype=np.float32).reshape(10, 6, 20)
    window = window_at(given.shape, np.array([9.0, 3.0, 10.0]), (8, 8, 8))  # type: ignore[arg-type]
    seen = window.cut(given)
    assert seen.shape == (8, 8, 8)
    back = window.back(seen)
    assert back.shape == given.shape
    np.testing.assert_array_equal(back[2:, :, 7:14], given[2:, :, 7:14])
    assert back[:2].max() == 0
