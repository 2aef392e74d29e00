"""What belongs to one visit travels together, and no request is huge."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.core.errors import NotFound
from services.cli import parcels
from services.cli.parcels import collect, pack

JPEG = b"\xff\xd8\xff\xe0 the rest of a photograph"
DICOM = b"\0" * 128 + b"DICM the rest of an object"


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_photographs_of_one_folder_are_one_parcel(tmp_path: Path) -> None:
    write(tmp_path / "monday" / "right.jpg", JPEG)
    write(tmp_path / "monday" / "left.jpg", JPEG)
    write(tmp_path / "tuesday" / "right.jpg", JPEG)
    sent = list(pack(collect([tmp_path])))
    assert [[letter.path.parent.name for letter in parcel.letters] for parcel in sent] == [
        ["monday", "monday"],
        ["tuesday"],
    ]


def test_objects_are_cut_into_parcels_of_bounded_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "FILES_A_PARCEL", 2)
    for number in range(5):
        write(tmp_path / f"{number}.dcm", DICOM)
    assert [len(parcel.letters) for parcel in pack(collect([tmp_path]))] == [2, 2, 1]


def test_objects_are_cut_into_parcels_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "BYTES_A_PARCEL", 2 * len(DICOM))
    for number in range(3):
        write(tmp_path / f"{number}.dcm", DICOM)
    assert [len(parcel.letters) for parcel in pack(collect([tmp_path]))] == [2, 1]


def test_a_file_larger_than_a_parcel_travels_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "BYTES_A_PARCEL", len(DICOM))
    write(tmp_path / "1.dcm", DICOM)
    write(tmp_path / "2.dcm", DICOM * 3)
    assert [len(parcel.letters) for parcel in pack(collect([tmp_path]))] == [1, 1]


def test_photographs_and_objects_of_one_folder_travel_apart(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", JPEG)
    write(tmp_path / "b.dcm", DICOM)
    assert [parcel.are_photographs for parcel in pack(collect([tmp_path]))] == [True, False]


def test_a_file_named_twice_is_sent_once(tmp_path: Path) -> None:
    file = write(tmp_path / "a.dcm", DICOM)
    assert len(collect([file, tmp_path, file])) == 1


def test_hidden_files_stay_at_home(tmp_path: Path) -> None:
    write(tmp_path / ".DS_Store", b"x")
    write(tmp_path / ".git" / "config", b"x")
    write(tmp_path / "a.dcm", DICOM)
    assert [letter.path.name for letter in collect([tmp_path])] == ["a.dcm"]


def test_a_hidden_file_that_is_named_is_sent(tmp_path: Path) -> None:
    assert len(collect([write(tmp_path / ".a.dcm", DICOM)])) == 1


def test_a_path_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="gone"):
        collect([tmp_path / "gone"])
