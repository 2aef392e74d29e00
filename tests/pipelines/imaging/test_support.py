"""The check against the measured data: a structure put into unmeasured lines is flagged, a measured one is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from pipelines.imaging.fourier import to_kspace
from pipelines.imaging.support import Support, check
from tests.pipelines.kspace_samples import COILS, NOISE, SIDE, coils, full, head, lines

MASK = np.broadcast_to(lines()[:, None], (SIDE, SIDE))


def spot() -> NDArray[np.complex64]:
    """(coil, ky, kx): a round structure as bright as the tissue around it, as the coils would have seen it."""
    y, x = np.mgrid[:SIDE, :SIDE]
    image = head()[0].mean() * 2 * ((y - 40) ** 2 + (x - 26) ** 2 <= 9)
    return to_kspace((image * coils(COILS)).astype(np.complex64))


def inside(support: Support) -> float:
    """Share of the structure that is flagged."""
    return float(support.flagged[38:43, 24:29].mean())


@pytest.fixture
def truth() -> NDArray[np.complex64]:
    return full()[0]


def judged(completed: NDArray[np.complex64], measured: NDArray[np.complex64]) -> Support:
    (support,) = check(completed[None], measured[None], MASK, NOISE)
    return support


def test_a_true_image_has_support(truth: NDArray[np.complex64]) -> None:
    support = judged(truth, truth * MASK)
    assert support.unsupported < 0.01
    assert support.supported > 0.9


def test_a_structure_put_into_unmeasured_lines_is_flagged(truth: NDArray[np.complex64]) -> None:
    assert inside(judged(truth + spot() * ~MASK, truth * MASK)) > 0.3


def test_the_same_structure_is_not_flagged_where_it_was_measured(truth: NDArray[np.complex64]) -> None:
    whole = truth + spot()
    assert inside(judged(whole, whole * MASK)) == 0


def test_a_measured_structure_that_was_left_out_is_flagged(truth: NDArray[np.complex64]) -> None:
    measured = (truth + spot()) * MASK
    assert inside(judged(np.where(MASK, measured, truth), measured)) > 0.3


def test_a_single_coil_cannot_be_checked() -> None:
    kspace = full(1, 1)[0]
    support = judged(kspace, kspace * MASK)
    assert support.supported == 0
    assert not support.flagged.any()


def test_what_was_measured_whole_is_supported(truth: NDArray[np.complex64]) -> None:
    (support,) = check(truth[None], truth[None], np.ones((SIDE, SIDE), np.bool_), NOISE)
    assert support.supported == 1


def test_the_check_is_deterministic_and_leaves_the_random_state_alone(truth: NDArray[np.complex64]) -> None:
    before = np.random.get_state()[1].copy()
    first, second = (judged(truth, truth * MASK) for _ in range(2))
    assert_array_equal(first.correction, second.correction)
    assert_array_equal(np.random.get_state()[1], before)
