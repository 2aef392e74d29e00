"""What every registered exporter has to keep to."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread

from pipelines.exporters.base import Export
from pipelines.exporters.json import reading_json
from pipelines.exporters.registry import EXPORTERS
from pipelines.imaging.dicom import read_header
from pipelines.registry import ENTRIES
from tests.pipelines.exporters import hippocampi, reconstructions
from tests.pipelines.exporters.samples import reading, source

EYES = {
    "both eyes": (reading(), source()),
    "one eye ungradable": (reading(left=None, right=4), source()),
    "no eye gradable": (reading(left=None, right=None), source()),
}
HIPPOCAMPI = {
    "hippocampi in slices": (hippocampi.reading(hippocampi.classic_frames()), hippocampi.classic()),
    "hippocampi in frames": (hippocampi.reading(hippocampi.enhanced_frames()), hippocampi.enhanced()),
    "one hippocampus in doubt": (
        hippocampi.reading(hippocampi.classic_frames(), doubted=True),
        hippocampi.classic(),
    ),
}
#: Exporter -> readings that it has something to say of, each with its source; a new exporter adds its own here.
READINGS = {
    "json": EYES | HIPPOCAMPI,
    "secondary_capture": EYES,
    "seg": HIPPOCAMPI,
    "series": {"raw data": (reconstructions.reading(), reconstructions.source())},
    "sr": EYES | HIPPOCAMPI,
}
PAIRS = [(name, which) for name, readings in READINGS.items() for which in readings]


@pytest.fixture(params=EXPORTERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=PAIRS, ids="-".join)
def exports(request: pytest.FixtureRequest) -> tuple[Export, ...]:
    name, which = request.param
    return EXPORTERS[name]().export(*READINGS[name][which])


def test_every_exporter_has_readings_here() -> None:
    assert set(READINGS) == set(EXPORTERS)


def test_an_exporter_bears_the_name_it_is_registered_under(name: str) -> None:
    assert EXPORTERS[name].name == name


def test_every_pipelines_exporters_are_registered() -> None:
    assert {wanted for entry in ENTRIES.values() for wanted in entry.exporters} <= set(EXPORTERS)


def test_file_names_are_unique_and_have_no_slash(exports: tuple[Export, ...]) -> None:
    names = [export.name for export in exports]
    assert names
    assert len(set(names)) == len(names)
    assert not any("/" in each or each.startswith(".") for each in names)


@pytest.mark.parametrize("name, which", PAIRS)
def test_the_same_reading_gives_the_same_bytes(name: str, which: str) -> None:
    first, second = (EXPORTERS[name]().export(*READINGS[name][which]) for _ in range(2))
    assert first == second


def test_dicom_objects_read_back_with_valid_uids(exports: tuple[Export, ...], tmp_path: Path) -> None:
    for export in exports:
        if export.media_type == "application/dicom":
            (tmp_path / export.name).write_bytes(export.content)
            assert read_header(tmp_path / export.name).study_instance_uid == "1.2.3"
            dataset = dcmread(io.BytesIO(export.content))
            assert dataset.SOPInstanceUID.is_valid
            assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID


def test_dicom_objects_pass_dciodvfy(exports: tuple[Export, ...], tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed")
    for export in exports:
        if export.media_type == "application/dicom":
            (tmp_path / export.name).write_bytes(export.content)
            said = subprocess.run(["dciodvfy", tmp_path / export.name], capture_output=True, text=True, check=False)
            assert "Error" not in said.stdout + said.stderr


#: PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.12.1: what every object has, Type 1 and Type 2.
TYPE_1 = "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality"
TYPE_2 = (
    "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID "
    "AccessionNumber SeriesNumber InstanceNumber Manufacturer"
)


def test_dicom_objects_have_every_type_1_and_type_2_attribute(exports: tuple[Export, ...]) -> None:
    for export in exports:
        if export.media_type == "application/dicom":
            dataset = dcmread(io.BytesIO(export.content))
            assert [keyword for keyword in TYPE_1.split() if not dataset.get(keyword)] == []
            assert [keyword for keyword in TYPE_2.split() if keyword not in dataset] == []


def test_an_exporter_leaves_the_reading_alone(name: str) -> None:
    made, of = next(iter(READINGS[name].values()))
    before = reading_json(made)
    EXPORTERS[name]().export(made, of)
    assert reading_json(made) == before


def test_a_name_of_one_word_is_kept_and_never_quoted_in_a_warning(name: str) -> None:
    made, of = next(iter(READINGS[name].values()))
    named = replace(of, headers=tuple(replace(header, patient_name="Cher") for header in of.headers))
    for export in EXPORTERS[name]().export(made, named):  # pytest makes every warning an error
        if export.media_type == "application/dicom":
            assert dcmread(io.BytesIO(export.content)).PatientName == "Cher"
