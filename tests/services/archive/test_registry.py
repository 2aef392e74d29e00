"""What a batch may name as its source, and what a wrong name or setting is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.core.errors import BadRequest, Forbidden
from services.archive.dicomweb import Dicomweb
from services.archive.dimse import Dimse
from services.archive.folder import Folder
from services.archive.registry import admit, open_source
from services.settings import Settings

ARCHIVES = {
    "web": {"kind": "dicomweb", "url": "https://pacs.example/dicom-web"},
    "pacs": {"kind": "dimse", "host": "pacs.example", "aet": "PACS", "listen_port": 11113},
}


@pytest.fixture
def known(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with two archives and one folder."""
    (tmp_path / "allowed" / "inner").mkdir(parents=True)
    return settings.model_copy(
        update={"archives": json.dumps(ARCHIVES), "archive_folders": f"{tmp_path / 'allowed'}:{tmp_path / 'other'}"}
    )


@pytest.mark.parametrize(("name", "kind"), [("web", Dicomweb), ("pacs", Dimse)])
def test_an_archive_is_opened_by_its_name(known: Settings, name: str, kind: type[object]) -> None:
    assert isinstance(open_source({"kind": "archive", "archive": name, "query": {"from": "2024-01-01"}}, known), kind)


def test_a_folder_is_opened(known: Settings, tmp_path: Path) -> None:
    assert isinstance(open_source({"kind": "folder", "path": str(tmp_path)}, known), Folder)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ({"kind": "ftp"}, "bad_source"),
        ({"kind": "folder", "path": "relative"}, "bad_source"),
        ({"kind": "folder", "path": "/x", "patient_from": "magic"}, "bad_source"),
        ({"kind": "archive", "archive": "web", "query": {"from": "2024-02-01", "to": "2024-01-01"}}, "bad_source"),
        ({"kind": "archive", "archive": "web", "query": {"patient": "X"}}, "bad_source"),
        ({"kind": "archive", "archive": "unheard-of"}, "unknown_archive"),
    ],
)
def test_a_source_that_is_none_is_refused(known: Settings, source: dict[str, object], code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        admit(source, known)
    assert refused.value.code == code


def test_what_is_admitted_can_be_opened_and_is_json(known: Settings) -> None:
    source = admit({"kind": "archive", "archive": "web", "query": {"from": "2024-01-01"}}, known)
    assert json.loads(json.dumps(source)) == source
    assert isinstance(open_source(source, known), Dicomweb)


@pytest.mark.parametrize("place", ["allowed", "allowed/inner"])
def test_a_folder_below_an_allowed_one_is_admitted(known: Settings, tmp_path: Path, place: str) -> None:
    assert admit({"kind": "folder", "path": str(tmp_path / place)}, known)["path"] == str(tmp_path / place)


@pytest.mark.parametrize("place", ["", "allowed-too", "allowed/../secret", "allowed/link"])
def test_no_other_folder_is_admitted(known: Settings, tmp_path: Path, place: str) -> None:
    for name in ("allowed-too", "secret"):
        (tmp_path / name).mkdir()
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(Forbidden):
        admit({"kind": "folder", "path": f"{tmp_path}/{place}"}, known)


def test_the_console_may_name_any_folder(known: Settings, tmp_path: Path) -> None:
    assert admit({"kind": "folder", "path": str(tmp_path)}, known, anywhere=True)["path"] == str(tmp_path)


def test_a_folder_that_is_not_there_is_refused(known: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadRequest) as refused:
        admit({"kind": "folder", "path": str(tmp_path / "allowed" / "nowhere")}, known)
    assert refused.value.code == "no_such_folder"


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        ({"kind": "ftp"}, "does not match any of the expected tags"),
        ({"kind": "dicomweb"}, "url: Field required"),
        ({"kind": "dicomweb", "url": "https://a:b@pacs.example"}, "must not hold a password"),
        ({"kind": "dicomweb", "url": "https://pacs.example", "user": "a"}, "user and password_file belong together"),
        ({"kind": "dicomweb", "url": "https://pacs.example", "password": "b"}, "password: Extra inputs"),
        ({"kind": "dimse", "host": "pacs", "aet": "PACS"}, "C-MOVE needs the listen_port"),
        ({"kind": "dimse", "host": "pacs", "aet": "A" * 17, "retrieve": "get"}, "aet: String should match"),
    ],
)
def test_an_archive_that_is_none_stops_the_start_with_one_sentence(archive: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(archives=json.dumps({"pacs": archive}))
    [sentence] = [error["msg"] for error in refused.value.errors()]
    assert told in sentence
    assert "\n" not in sentence
