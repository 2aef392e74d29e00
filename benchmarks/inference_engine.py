"""The engine that serves beside plain PyTorch: seconds for one photograph, and how far their answers differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray

from benchmarks.figures import Figure, beside
from pipelines.imaging.fundus import find_retina, normalise, prepare
from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.grading import read_grading
from pipelines.nets.precision import openvino_engine, torch_engine

BUNDLE = Path(__file__).parents[1] / "models/fundus_dr_grading"
REPEATS = 9
TARGET_RATIO = 2.0
TARGET_DIFFERENCE = 1e-4


def photograph(bundle: Bundle) -> NDArray[np.float32]:
    """(1, 3, size, size) float32: scikit-image's retina as the network reads it."""
    grading, picture = read_grading(bundle), skimage.data.retina()
    retina = find_retina(picture)
    if retina is None:
        raise ValueError("scikit-image's retina was not found")
    return normalise(prepare(picture, retina, grading.input_size), grading.mean, grading.std)[None]


def measure() -> list[Figure]:
    """Median seconds of both engines on the shipped weights, their ratio, and the largest difference of a logit."""
    bundle = open_bundle(BUNDLE)
    image, serving, plain = photograph(bundle), openvino_engine(bundle), torch_engine(bundle)
    difference = float(np.abs(serving.run(image).logits - plain.run(image).logits).max())
    slow, fast, ratio = beside(lambda: plain.run(image), lambda: serving.run(image), REPEATS)
    return [
        Figure(
            f"{serving.name} {serving.precision}, one photograph",
            fast,
            "s",
            beside="as fast as torch eager",
            ratio=ratio,
            target=f">= {TARGET_RATIO:g}x",
            reached=ratio >= TARGET_RATIO,
        ),
        Figure("torch eager float32, one photograph", slow, "s"),
        Figure(
            "  largest difference of a logit",
            difference,
            "",
            target=f"<= {TARGET_DIFFERENCE:g}",
            reached=difference <= TARGET_DIFFERENCE,
        ),
    ]
