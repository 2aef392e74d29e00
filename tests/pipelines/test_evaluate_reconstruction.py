"""Figures against the fully sampled image: by the contract's definitions, with failures counted as wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.core.errors import NotFound
from pipelines.evaluate_reconstruction import METHODS, evaluate_reconstruction, reconstruction_json
from pipelines.imaging import fidelity
from pipelines.imaging.fourier import equispaced_mask, rss, seed_of, to_image
from pipelines.reconstruction import Reconstruction
from pipelines.registry import ENTRIES, resolve
from tests.pipelines.kspace_samples import SIDE, full, lines, write_fastmri

MODEL = Path(__file__).resolve().parents[2] / "models" / ENTRIES["reconstruction"].model


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Reconstruction]:
    with resolve(ENTRIES["reconstruction"], MODEL) as loaded:
        assert isinstance(loaded, Reconstruction)
        yield loaded


def manifest(folder: Path, *names: str) -> Path:
    path = folder / "manifest.csv"
    path.write_text("\n".join(["path", *names]))
    return path


def test_each_method_has_its_figures_and_they_are_the_contracts(pipeline: Reconstruction, tmp_path: Path) -> None:
    kspace = full()
    write_fastmri(tmp_path / "head.h5", kspace)
    done = reconstruction_json(evaluate_reconstruction(manifest(tmp_path, "head.h5"), pipeline, 4))
    mask = equispaced_mask(SIDE, 4, 0.08, seed_of("head.h5"))
    reference = rss(to_image(kspace))
    expected = fidelity.ssim(rss(to_image(kspace * mask[:, None])), reference)
    read = json.loads(json.dumps(done))
    assert read["zero_filled"]["ssim"]["value"] == pytest.approx(expected, abs=1e-5)
    assert all(set(read[name]) == {"ssim", "psnr", "nmse", "seconds_per_slice"} for name in METHODS)
    assert read["n"] == 1
    assert read["failed"] == []


def test_a_file_that_is_not_fully_sampled_counts_as_wrong_and_is_listed(
    pipeline: Reconstruction, tmp_path: Path
) -> None:
    write_fastmri(tmp_path / "under.h5", full(), lines())
    done = evaluate_reconstruction(manifest(tmp_path, "under.h5", "nowhere.h5"), pipeline, 4)
    assert [failed.code for failed in done.failed] == ["not_fully_sampled", "file_not_found"]
    assert done.figures["reconstruction"]["nmse"].value == 1


def test_an_acceleration_without_a_mask_is_refused(pipeline: Reconstruction, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        evaluate_reconstruction(manifest(tmp_path, "x.h5"), pipeline, 5)
