"""The reconstructed series as DICOM: where it lies, whose it is, what made it, and that archives take it."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydicom import dcmread
from pydicom.dataset import Dataset

from pipelines.core.errors import UnsuitableInput
from pipelines.core.types import Reading
from pipelines.exporters.base import Source
from pipelines.exporters.series import SeriesExporter
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.subject import subject_from_files
from pipelines.imaging.volume import read_volume
from pipelines.imaging.volume_plan import plan_volume
from pipelines.registry import ENTRIES, resolve
from pipelines.series import choose_series
from tests.pipelines.kspace_samples import Scan, full, lines, write_fastmri, write_ismrmrd

MODEL = Path(__file__).resolve().parents[3] / "models" / ENTRIES["reconstruction"].model


@dataclass(frozen=True)
class Made:
    """A reading of eight placed slices, and its series as files."""

    reading: Reading
    files: tuple[Path, ...]
    decoder: Decoder

    @property
    def datasets(self) -> list[Dataset]:
        return [dcmread(file) for file in self.files]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("series")
    raw = write_ismrmrd(folder / "raw.h5", Scan(full(8), lines()))
    with Decoder() as decoder, resolve(ENTRIES["reconstruction_zero_filled"], MODEL, decoder) as pipeline:
        with subject_from_files([raw], decoder, "series") as local:
            reading = pipeline.run(local.subject)
        exports = SeriesExporter().export(reading, Source(local.headers, datetime(2026, 1, 2)))
        for export in exports:
            (folder / export.name).write_bytes(export.content)
        yield Made(reading, tuple(folder / export.name for export in exports), decoder)


def test_the_series_lies_where_the_raw_data_were_acquired(made: Made) -> None:
    with subject_from_files(made.files, made.decoder, "series") as local:
        plan = plan_volume(local.subject.instances, made.decoder)
        volume = read_volume(plan, made.decoder)
    middle = volume.grid.affine @ np.array([32, 32, 0, 1.0])
    assert_allclose(np.abs(middle[:3]), [10, 20, 0], atol=1e-3)
    assert_allclose(sorted(volume.grid.spacing), [2, 2, 5], atol=1e-3)


def test_the_pixels_are_the_volumes(made: Made) -> None:
    (content,) = (each.content for each in made.reading.artifacts if each.name == "reconstruction.nii.gz")
    volume = np.asarray(nibabel.Nifti1Image.from_bytes(gzip.decompress(content)).dataobj).transpose(2, 1, 0)
    stack = np.stack([dataset.pixel_array for dataset in made.datasets])
    assert_allclose(stack, volume * (4095 / volume.max()), atol=0.5)


def test_patient_and_study_are_those_of_the_raw_data(made: Made) -> None:
    for dataset in made.datasets:
        assert (dataset.PatientID, dataset.PatientName) == ("P-17", "Doe^Jane")
        assert dataset.StudyInstanceUID == "1.2.3.4"


def test_it_says_that_it_is_derived_by_what_and_from_how_much(made: Made) -> None:
    for dataset in made.datasets:
        assert dataset.ImageType[:2] == ["DERIVED", "PRIMARY"]
        assert made.reading.model.sha256 in dataset.DerivationDescription
        assert "acceleration 4" in dataset.DerivationDescription
        assert dataset.PercentSampling == pytest.approx(25)
        assert dataset.ContributingEquipmentSequence[0].Manufacturer == "Overread"


def test_uids_are_new_and_one_series(made: Made) -> None:
    assert len({dataset.SOPInstanceUID for dataset in made.datasets}) == 8
    assert len({dataset.SeriesInstanceUID for dataset in made.datasets}) == 1


def test_the_series_passes_dciodvfy(made: Made) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed")
    for file in made.files:
        said = subprocess.run(["dciodvfy", file], capture_output=True, text=True, check=False)
        assert "Error" not in said.stdout + said.stderr


def test_a_reading_without_a_reconstruction_gives_no_series(made: Made) -> None:
    empty = replace(made.reading, artifacts=())
    assert SeriesExporter().export(empty, Source((), datetime(2026, 1, 2))) == ()


def test_a_series_of_assumed_spacing_can_be_looked_at_but_not_measured(tmp_path: Path) -> None:
    raw = write_fastmri(tmp_path / "raw.h5", full(8), lines())
    with Decoder() as decoder, resolve(ENTRIES["reconstruction_zero_filled"], MODEL, decoder) as pipeline:
        with subject_from_files([raw], decoder, "series") as local:
            exports = SeriesExporter().export(pipeline.run(local.subject), Source(local.headers, datetime(2026, 1, 2)))
        files = [tmp_path / export.name for export in exports]
        for file, export in zip(files, exports, strict=True):
            file.write_bytes(export.content)
        with subject_from_files(files, decoder) as local, pytest.raises(UnsuitableInput) as refused:
            choose_series(local.subject.instances, decoder, lambda _plan: ())
    assert refused.value.code == "geometry_nominal"
    assert "Do not measure" in dcmread(files[0]).ImageComments
