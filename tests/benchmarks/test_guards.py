"""What `make bench` measures stays near its target; looser where neighbours on the machine tell on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks import grad_cam, inference_engine, latency, segmentation, upload
from benchmarks.figures import Figure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

#: Whoever else runs here takes processor time from one side of a comparison and not from the other, and a photograph's
#: way through five processes doubles when each of them waits for a core. A guard is there for what a change breaks: a
#: second forward pass (2x), a lost engine (1x), a poll that sleeps (seconds).
NOISE = 2.0
#: The share of the target that a machine with neighbours reaches; a lost engine would be as fast as torch.
LEAST_SHARE = 0.75
#: Files of 8 kB: 1,000 of them are 8 MB, ten times the 100 before; whoever held the body would show it. The allocator's
#: own growth, which ends, is less.
GROWTH_MB = 32.0


#: What a change broke is broken every time; what a neighbour took is not.
TRIES = 3


def within_three(holds: Callable[[], bool]) -> bool:
    """Whether it holds once in so many tries."""
    return any(holds() for _ in range(TRIES))


def named(figures: list[Figure], beginning: str) -> Figure:
    return next(figure for figure in figures if figure.name.startswith(beginning))


def test_the_serving_engine_is_faster_than_plain_torch_and_says_the_same() -> None:
    def is_faster() -> bool:
        figures = inference_engine.measure()
        assert named(figures, "  largest difference").value <= inference_engine.TARGET_DIFFERENCE
        return (named(figures, "openvino").ratio or 0.0) >= inference_engine.TARGET_RATIO * LEAST_SHARE

    assert within_three(is_faster)


def test_outlines_come_sooner_than_from_the_stock_inferer_and_are_the_same() -> None:
    def come_sooner() -> bool:
        figures = segmentation.measure()
        assert named(figures, "  Dice between").value >= segmentation.TARGET_DICE
        return (named(figures, "openvino").ratio or 0.0) >= segmentation.TARGET_RATIO * LEAST_SHARE

    assert within_three(come_sooner)


def test_the_map_costs_next_to_nothing_beside_the_forward_pass() -> None:
    most = 1 + NOISE * 2 * (grad_cam.TARGET - 1)
    assert within_three(lambda: (grad_cam.closed_form().ratio or np.inf) <= most)


def test_a_full_size_photograph_is_read_soon_and_the_processes_stay_small() -> None:
    def is_read_soon() -> bool:
        figures = latency.measure()
        assert named(figures, "API process").value <= latency.TARGET_API_MB
        assert named(figures, "worker").value <= latency.TARGET_WORKER_MB
        return named(figures, "4288 x 2848").value <= NOISE * latency.TARGET_SECONDS

    assert within_three(is_read_soon)


def test_a_request_of_a_thousand_files_takes_no_more_memory_than_one_of_a_hundred() -> None:
    few, many = upload.api_memory()
    assert many <= upload.API_MEGABYTES
    assert many - few <= GROWTH_MB
