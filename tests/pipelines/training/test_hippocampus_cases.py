"""Cases lie in the middle of their canvas, in the brain that fits them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nilearn.datasets import load_mni152_template

from pipelines.training.hippocampus_cases import CANVAS, Case, canvases, read_cases
from tests.pipelines.training.hippocampus_samples import SHAPE, drawn_case, write_cases


def test_only_the_cases_of_a_split_are_read(tmp_path: Path) -> None:
    folder = write_cases(tmp_path / "data", training=2, validation=1)
    training, validation = read_cases(folder, "train"), read_cases(folder, "val")
    assert [case.name for case in training] == ["drawn_000", "drawn_001"]
    assert [case.name for case in validation] == ["drawn_002"]
    assert np.array_equal(validation[0].labels, drawn_case(2).labels)


def test_a_crop_of_the_template_is_surrounded_by_the_rest_of_the_template() -> None:
    template = load_mni152_template(resolution=1)
    values = np.asanyarray(template.dataobj, dtype=np.float32)
    middle = np.rint(np.linalg.solve(template.affine, [27.0, -21.0, -15.0, 1.0])[:3]).astype(int)
    first = middle - np.array(SHAPE) // 2
    x, y, z = (slice(start, start + length) for start, length in zip(first, SHAPE, strict=True))
    crop = Case("template", 700 * values[x, y, z], np.zeros(SHAPE, np.uint8))
    (canvas,) = canvases([crop])
    inside = canvas.inside
    assert inside.sum() == np.prod(SHAPE)
    assert canvas.surroundings.shape == CANVAS
    assert canvas.surroundings[inside] == pytest.approx(canvas.image[inside], abs=0.1)
