"""Folder trees as sources: one stable order, one study a locator, nothing followed out of the tree."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from pipelines.core.errors import SourceRefused, SourceUnavailable
from pipelines.core.types import Laterality
from services.archive import listing
from services.archive.base import FetchedFile
from services.archive.folder import ByFolder, ByName, Folder
from tests.services.intake.conftest import dicom, picture


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty tree, beside which other things may lie."""
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def by_folder(root: Path) -> Folder:
    """The tree, with patients by their folders."""
    return Folder(root, ByFolder())


@pytest.fixture
def by_name(root: Path) -> Folder:
    """The tree, with patients by the names of photographs."""
    return Folder(root, ByName())


def put(place: Path, content: bytes) -> None:
    """Write a file and the folders it lies in."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def all_locators(source: Folder, limit: int = 2) -> list[str]:
    """Every locator, page by page."""
    found: list[str] = []
    while page := source.locators(found[-1] if found else None, limit):
        found += page
    return found


def read(files: Iterator[FetchedFile]) -> dict[str, bytes]:
    """Names and contents."""
    return {file.name: b"".join(file.chunks) for file in files}


def refusal(act: Callable[[], object]) -> str:
    """The code of the refusal that this ends in."""
    with pytest.raises(SourceRefused) as refused:
        act()
    return refused.value.code


def test_the_series_of_a_study_are_one_locator(root: Path, by_folder: Folder) -> None:
    study = generate_uid()
    for place in ("P1/S1/a.dcm", "P1/S1/b.dcm", "P1/S2/c.dcm"):
        put(root / place, dicom(StudyInstanceUID=study))
    put(root / "P2/d.dcm", dicom())
    assert all_locators(by_folder) == ["P1/S1/a.dcm", "P2/d.dcm"]
    assert list(read(by_folder.fetch("P1/S1/a.dcm"))) == ["P1/S1/a.dcm", "P1/S1/b.dcm", "P1/S2/c.dcm"]


def test_the_bytes_come_as_they_are(root: Path, by_folder: Folder) -> None:
    file = dicom()
    put(root / "a.dcm", file)
    assert read(by_folder.fetch("a.dcm")) == {"a.dcm": file}


def test_another_source_goes_on_from_any_locator(root: Path) -> None:
    for number in range(7):
        put(root / f"P{number}/x_L.png", picture(number))
    first = Folder(root, ByFolder()).locators(None, 3)
    assert [*first, *Folder(root, ByFolder()).locators(first[-1], 9)] == all_locators(Folder(root, ByFolder()))


def test_a_locator_whose_file_is_gone_still_tells_where_to_go_on(root: Path, by_folder: Folder) -> None:
    for number in range(3):
        put(root / f"P{number}/x_L.png", picture(number))
    (root / "P1/x_L.png").unlink()
    assert Folder(root, ByFolder()).locators("P1/x_L.png", 9) == ["P2/x_L.png"]


def test_a_folder_larger_than_the_window_is_read_in_turns(
    root: Path, by_name: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "WINDOW", 4)
    for number in range(11):
        put(root / f"{number:02}_left.png", picture(number))
    assert all_locators(by_name) == [f"{number:02}_left.png" for number in range(11)]


def test_a_folder_of_photographs_is_one_visit_of_the_patient_whose_folder_it_lies_in(
    root: Path, by_folder: Folder
) -> None:
    for place in ("P-7/2024/1_L.png", "P-7/2024/2_R.png", "P-7/2025/3_L.png"):
        put(root / place, picture(len(place)))
    assert all_locators(by_folder) == ["P-7/2024/1_L.png", "P-7/2025/3_L.png"]
    assert [(file.patient_id, file.laterality) for file in by_folder.fetch("P-7/2024/1_L.png")] == [
        ("P-7", Laterality.LEFT),
        ("P-7", Laterality.RIGHT),
    ]


@pytest.mark.parametrize("names", [("10_left.png", "10_right.png"), ("L_10.png", "R_10.png"), ("10OD.png", "10OS.png")])
def test_both_eyes_come_together_by_their_names(root: Path, by_name: Folder, names: tuple[str, str]) -> None:
    for name in (*names, "9_left.png", "L_11.png"):
        put(root / "train" / name, picture(len(name)))
    [locator] = [one for one in all_locators(by_name) if one.removeprefix("train/") in names]
    assert {file.patient_id for file in by_name.fetch(locator)} == {"10"}
    assert len(read(by_name.fetch(locator))) == 2


def test_photographs_in_the_root_itself_go_by_their_names(root: Path, by_folder: Folder) -> None:
    for name in ("10_left.png", "10_right.png", "11_left.png"):
        put(root / name, picture(len(name)))
    assert all_locators(by_folder) == ["10_left.png", "11_left.png"]


def test_a_photograph_that_says_only_its_side_is_of_nobody_known(root: Path, by_name: Folder) -> None:
    put(root / "left.png", picture())
    assert [file.patient_id for file in by_name.fetch("left.png")] == [None]


def test_a_side_can_be_stated_for_photographs_whose_names_state_none(root: Path) -> None:
    for name in ("P1/IMG_1.png", "P1/IMG_2_R.png"):
        put(root / name, picture(len(name)))
    stated = Folder(root, ByFolder(), Laterality.LEFT).fetch("P1/IMG_1.png")
    assert [file.laterality for file in stated] == [Laterality.LEFT, Laterality.RIGHT]


def test_a_folder_with_too_many_photographs_for_one_visit_is_refused_as_a_whole(root: Path, by_folder: Folder) -> None:
    for number in range(40):
        put(root / f"images/IMG_{number:03}.png", picture(number))
    [locator] = all_locators(by_folder)
    assert refusal(lambda: next(by_folder.fetch(locator))) == "source_ambiguous"


def test_a_folder_name_that_is_no_patient_id_is_refused_not_cut(root: Path, by_folder: Folder) -> None:
    put(root / ("P" * 65) / "x_L.png", picture())
    assert refusal(lambda: next(by_folder.fetch(all_locators(by_folder)[0]))) == "source_ambiguous"


def test_what_is_no_image_is_passed_over(root: Path, by_folder: Folder) -> None:
    for name in ("README.txt", ".hidden.dcm", ".git/a.dcm", "DICOMDIR"):
        put(root / name, b"text")
    assert all_locators(by_folder) == []


@pytest.mark.parametrize("content", [b"", b"text", dicom(SeriesInstanceUID=None)])
def test_a_broken_image_is_a_locator_of_its_own_so_that_it_is_told_of(
    root: Path, by_folder: Folder, content: bytes
) -> None:
    study = generate_uid()
    put(root / "a.dcm", dicom(StudyInstanceUID=study))
    put(root / "b.dcm", content)
    assert all_locators(by_folder) == ["a.dcm", "b.dcm"]


def test_links_are_not_followed(root: Path, by_folder: Folder, tmp_path: Path) -> None:
    put(tmp_path / "outside/secret.dcm", dicom())
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "file.dcm").symlink_to(tmp_path / "outside/secret.dcm")
    os.mkfifo(root / "pipe.dcm")
    assert all_locators(by_folder) == []


def test_a_folder_that_became_a_link_is_not_followed(root: Path, by_folder: Folder, tmp_path: Path) -> None:
    put(root / "P1/a.dcm", dicom())
    [locator] = all_locators(by_folder)
    (root / "P1").rename(tmp_path / "outside")
    (root / "P1").symlink_to(tmp_path / "outside")
    assert refusal(lambda: read(by_folder.fetch(locator))) == "source_gone"


@pytest.mark.parametrize("locator", ["../secret.dcm", "P1/../../secret.dcm", "/etc/passwd", "", "%2e%2e/secret.dcm"])
def test_a_locator_never_leaves_the_folder(root: Path, by_folder: Folder, tmp_path: Path, locator: str) -> None:
    put(tmp_path / "secret.dcm", dicom())
    assert refusal(lambda: read(by_folder.fetch(locator))) == "source_gone"


def test_a_file_that_vanished_is_a_refusal(root: Path, by_folder: Folder) -> None:
    put(root / "a.dcm", dicom())
    [locator] = all_locators(by_folder)
    (root / "a.dcm").unlink()
    assert refusal(lambda: read(by_folder.fetch(locator))) == "source_gone"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told_of_and_the_walk_goes_on(root: Path, by_folder: Folder) -> None:
    put(root / "P1/a.dcm", dicom())
    put(root / "P2/b.dcm", dicom())
    (root / "P1").chmod(0)
    assert all_locators(by_folder) == ["P1/", "P2/b.dcm"]
    assert refusal(lambda: read(by_folder.fetch("P1/"))) == "source_unreadable"
    (root / "P1").chmod(0o700)


def test_a_folder_that_is_not_mounted_may_be_back(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        Folder(tmp_path / "nowhere", ByFolder()).locators(None, 1)


def test_names_that_are_no_text_become_locators_that_a_database_takes(root: Path, by_folder: Folder) -> None:
    put(Path(os.fsdecode(os.fsencode(root) + b"/100%\xff/a.dcm")), dicom())
    [locator] = all_locators(by_folder)
    assert locator == "100%25%ff/a.dcm"
    assert len(read(by_folder.fetch(locator))) == 1


def test_files_that_come_behind_the_last_locator_are_found_later(root: Path, by_folder: Folder) -> None:
    put(root / "P1/a.dcm", dicom())
    assert all_locators(by_folder) == ["P1/a.dcm"]
    put(root / "P2/b.dcm", dicom())
    assert by_folder.locators("P1/a.dcm", 5) == ["P2/b.dcm"]
