"""Fitting what a bundle knows of its photographs, on drawn features whose spread is known."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.training.familiarity import MARKED_SHARE, fit
from tests.pipelines.drawn_photographs import PHOTOGRAPHS, drawn


def test_one_in_a_hundred_photographs_of_the_same_camera_is_marked() -> None:
    fitted = fit(drawn(0), directions=8)
    assert fitted.marked().mean() == pytest.approx(MARKED_SHARE, abs=0.02)
    limits = fitted.limits(np.arange(PHOTOGRAPHS))
    assert fitted.beyond(limits, np.arange(PHOTOGRAPHS)).mean() == pytest.approx(MARKED_SHARE, abs=0.005)


@pytest.mark.parametrize(("shift", "share"), [(0.0, 0.0), (2.0, 1.0)])
def test_photographs_of_another_camera_lie_beyond_the_limit_and_new_ones_of_the_same_do_not(
    shift: float, share: float
) -> None:
    fitted = fit(drawn(0), directions=8)
    limits, others = fitted.limits(np.arange(PHOTOGRAPHS)), drawn(2, 50, shift)
    content = [fitted.spread.content(each).mean() / limits.content for each in others.features]
    rendition = [fitted.spread.rendition(each) / limits.rendition for each in others.rendition]
    assert np.mean(np.array(content) > limits.both) == pytest.approx(share, abs=0.04)
    assert np.mean(np.array(rendition) > limits.both) == pytest.approx(share, abs=0.04)
