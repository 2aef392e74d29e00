"""Raw data in, a reading out: what was measured stays, what cannot be done is refused, files say what they are."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from pipelines.core.errors import BadInput, OutOfMemory
from pipelines.core.types import Reading
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.fourier import rss, to_image
from pipelines.imaging.subject import subject_from_files
from pipelines.reconstruction import Reconstruction
from pipelines.registry import ENTRIES, resolve
from tests.pipelines.kspace_samples import SIDE, Scan, full, lines, undersampled, write_fastmri, write_ismrmrd

MODEL = Path(__file__).resolve().parents[2] / "models" / ENTRIES["reconstruction"].model


@pytest.fixture(scope="module")
def learned() -> Iterator[Reconstruction]:
    with resolve(ENTRIES["reconstruction"], MODEL) as pipeline:
        assert isinstance(pipeline, Reconstruction)
        yield pipeline


@pytest.fixture(scope="module")
def zero_filled() -> Iterator[Reconstruction]:
    with resolve(ENTRIES["reconstruction_zero_filled"], MODEL) as pipeline:
        assert isinstance(pipeline, Reconstruction)
        yield pipeline


def read(pipeline: Reconstruction, path: Path) -> Reading:
    with subject_from_files([path], pipeline.decoder, "series") as local:
        return pipeline.run(local.subject)


def volume(reading: Reading, name: str = "reconstruction.nii.gz") -> NDArray[np.float32]:
    """(slices, y, x) of a volume among the artifacts."""
    (content,) = (artifact.content for artifact in reading.artifacts if artifact.name == name)
    return np.asarray(nibabel.Nifti1Image.from_bytes(gzip.decompress(content)).dataobj, np.float32).transpose(2, 1, 0)


def value(reading: Reading, label: str) -> float:
    (found,) = (finding.value for finding in reading.findings if finding.label == label)
    assert isinstance(found, float)
    return found


def test_acquired_samples_stay_as_measured_to_numerical_precision(learned: Reconstruction, tmp_path: Path) -> None:
    reading = read(learned, undersampled(tmp_path / "raw.h5"))
    assert reading.receipt.parameters["residual"] == 0
    assert value(reading, "acceleration") == pytest.approx(1 / lines().mean(), abs=0.01)


def test_a_fully_sampled_file_gives_its_own_image(learned: Reconstruction, tmp_path: Path) -> None:
    kspace = full(2)
    reading = read(learned, write_fastmri(tmp_path / "raw.h5", kspace))
    assert_allclose(volume(reading), rss(to_image(kspace)), rtol=1e-5)
    assert value(reading, "acceleration") == 1
    assert value(reading, "ssim") == pytest.approx(1, abs=1e-4)
    assert reading.quality.score == 1
    assert not reading.abstained


def test_zero_filling_is_the_root_sum_of_squares_of_what_was_measured(
    zero_filled: Reconstruction, tmp_path: Path
) -> None:
    reading = read(zero_filled, undersampled(tmp_path / "raw.h5"))
    assert_allclose(volume(reading), rss(to_image(full() * lines()[:, None])), rtol=1e-4, atol=1e-6)


def test_a_result_says_why_it_has_no_heat_map_and_shows_the_panel(zero_filled: Reconstruction, tmp_path: Path) -> None:
    reading = read(zero_filled, undersampled(tmp_path / "raw.h5", slices=2))
    assert reading.explanation is not None
    assert reading.explanation.method == "none"
    assert "no Grad-CAM" in (reading.explanation.note or "")
    panels = [artifact.name for artifact in reading.artifacts if artifact.kind == "panel"]
    assert panels == ["panel-1.png", "panel-2.png"]


def test_a_single_coil_image_is_marked_as_unverifiable(zero_filled: Reconstruction, tmp_path: Path) -> None:
    reading = read(zero_filled, write_fastmri(tmp_path / "raw.h5", full(1, 1), lines()))
    assert reading.quality.reasons == ("unverifiable",)
    assert reading.abstained
    assert reading.urgency == "check"


def test_without_calibration_lines_only_zero_filling_answers(
    learned: Reconstruction, zero_filled: Reconstruction, tmp_path: Path
) -> None:
    path = write_fastmri(tmp_path / "raw.h5", full(), np.arange(SIDE) % 4 == 1)
    with pytest.raises(BadInput) as refused:
        read(learned, path)
    assert refused.value.code == "kspace_no_calibration"
    assert value(read(zero_filled, path), "acceleration") == 4


def test_partial_fourier_keeps_the_image_sharp(learned: Reconstruction, tmp_path: Path) -> None:
    missing = np.arange(SIDE) >= SIDE // 4
    reading = read(learned, write_ismrmrd(tmp_path / "raw.h5", Scan(full(), missing)))
    truth = rss(to_image(full()))
    blurred = rss(to_image(full() * missing[:, None]))
    error, before = (np.abs(image - truth).mean() for image in (volume(reading), blurred))
    assert error < 0.8 * before


def test_planes_of_different_masks_are_reconstructed_each_by_its_own(
    zero_filled: Reconstruction, tmp_path: Path
) -> None:
    kspace = full(2)
    kspace[0] *= lines()[:, None]
    reading = read(zero_filled, write_fastmri(tmp_path / "raw.h5", kspace))
    assert_allclose(volume(reading), rss(to_image(kspace)), rtol=1e-4, atol=1e-6)


def test_memory_is_predicted_from_the_header_and_refused_with_numbers(tmp_path: Path) -> None:
    path = undersampled(tmp_path / "raw.h5", slices=2)
    with (
        Decoder() as decoder,
        resolve(ENTRIES["reconstruction_zero_filled"], MODEL, decoder, memory_bytes=900_000_000) as pipeline,
        subject_from_files([path], decoder, "series") as local,
        pytest.raises(OutOfMemory) as refused,
    ):
        pipeline.run(local.subject)
    assert refused.value.code == "kspace_too_large"
    assert refused.value.facts["allowed_megabytes"] == 900


def test_less_memory_makes_smaller_slabs_and_the_receipt_says_so(zero_filled: Reconstruction, tmp_path: Path) -> None:
    path = undersampled(tmp_path / "raw.h5", slices=2)
    with (
        Decoder() as decoder,
        resolve(ENTRIES["reconstruction_zero_filled"], MODEL, decoder, memory_bytes=910_000_000) as pipeline,
        subject_from_files([path], decoder, "series") as local,
    ):
        small = pipeline.run(local.subject)
    assert small.receipt.ladder == "slabs of 1"
    assert_allclose(volume(small), volume(read(zero_filled, path)), rtol=1e-6)


def test_two_files_are_not_one_series(zero_filled: Reconstruction, tmp_path: Path) -> None:
    with subject_from_files([undersampled(tmp_path / "raw.h5")], zero_filled.decoder, "series") as local:
        doubled = replace(local.subject, instances=local.subject.instances * 2)
        with pytest.raises(BadInput):
            zero_filled.run(doubled)
