"""What `make bench` measures stays near its target; looser where neighbours on the machine tell on it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import grad_cam, inference_engine, latency, segmentation, upload
from benchmarks.figures import Figure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

#: Whoever else runs here takes processor time from one side of a comparison and not from the other, and a photograph's
#: way through five processes doubles when each of them waits for a core. A guard is there for what a change breaks: a
#: second forward pass (2x), a lost engine (1x), a poll that sleeps (seconds).
NOISE = 2.0
#: Files of 8 kB: 1,000 of them are 8 MB, ten times the 100 before; whoever held the body would show it. The allocator's
#: own growth, which ends, is less.
GROWTH_MB = 32.0


def named(figures: list[Figure], beginning: str) -> Figure:
    return next(figure for figure in figures if figure.name.startswith(beginning))


def test_the_serving_engine_is_faster_than_plain_torch_and_says_the_same() -> None:
    figures = inference_engine.measure()
    assert named(figures, "  largest difference").value <= inference_engine.TARGET_DIFFERENCE
    ratio = named(figures, "openvino").ratio
    assert ratio is not None and ratio >= inference_engine.TARGET_RATIO * 0.75


def test_outlines_come_sooner_than_from_the_stock_inferer_and_are_the_same() -> None:
    figures = segmentation.measure()
    assert named(figures, "  Dice between").value >= segmentation.TARGET_DICE
    ratio = named(figures, "openvino").ratio
    assert ratio is not None and ratio >= segmentation.TARGET_RATIO * 0.75


def test_the_map_costs_next_to_nothing_beside_the_forward_pass() -> None:
    ratios = [grad_cam.closed_form().ratio or np.inf for _ in range(3)]
    assert min(ratios) <= 1 + NOISE * 2 * (grad_cam.TARGET - 1)


def test_a_full_size_photograph_is_read_soon_and_the_processes_stay_small() -> None:
    figures = latency.measure()
    assert named(figures, "4288 x 2848").value <= NOISE * latency.TARGET_SECONDS
    assert named(figures, "API process").value <= latency.TARGET_API_MB
    assert named(figures, "worker").value <= latency.TARGET_WORKER_MB


def test_a_request_of_a_thousand_files_takes_no_more_memory_than_one_of_a_hundred() -> None:
    few, many = upload.api_memory()
    assert many <= upload.API_MEGABYTES
    assert many - few <= GROWTH_MB
