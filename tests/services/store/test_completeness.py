"""Which instance numbers a run leaves out."""

from __future__ import annotations

import pytest

from services.store.completeness import gaps


@pytest.mark.parametrize(
    ("numbers", "absent"),
    [
        ([1, 2, 3, 4], []),
        ([4, 1, 2], [(3, 3)]),
        ([11, 12, 13, 17, 18, 19], [(14, 16)]),
        ([1, 2, 4, 5, 7, 8], [(3, 3), (6, 6)]),
        ([2, 4, 6, 10], [(8, 8)]),
    ],
)
def test_a_run_tells_what_it_leaves_out(numbers: list[int], absent: list[tuple[int, int]]) -> None:
    assert gaps(numbers) == absent


@pytest.mark.parametrize("numbers", [[], [5], [1, 9], [1, 1, 2, 2, 4, 4], [1, 2, 1000], [100, 200, 300]])
def test_numbers_that_make_no_run_tell_nothing(numbers: list[int]) -> None:
    assert gaps(numbers) == []
