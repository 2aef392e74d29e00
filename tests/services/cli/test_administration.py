"""Users, keys, the audit and the database from the command line, on a real database."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.settings import Settings
from services.store.stores import open_store
from tests.services.conftest import Desk

Overread = Callable[..., Any]  # Any: conftest's Ended, which a test file cannot import


@pytest.mark.usefixtures("data")
def test_a_user_is_added_and_listed_with_the_role(overread: Overread) -> None:
    assert overread("users", "add", "reader", "--role", "clinician", "--generate").code == 0
    (user,) = overread("users", "list", "--json").json
    assert (user["name"], user["role"], user["disabled"]) == ("reader", "clinician", False)


@pytest.mark.usefixtures("data")
def test_a_password_is_read_from_standard_input(overread: Overread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough password\n"))
    ended = overread("users", "add", "reader", "--role", "clinician", "--password-stdin")
    assert ended.code == 0
    assert "a long enough password" not in ended.out


@pytest.mark.usefixtures("data")
def test_a_short_password_is_refused_in_one_sentence(overread: Overread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    ended = overread("users", "add", "reader", "--role", "clinician", "--password-stdin")
    assert ended.code == 1
    assert ended.err.startswith("overread: a password needs")
    assert ended.err.count("\n") == 1


@pytest.mark.usefixtures("data")
def test_a_name_is_given_once(overread: Overread) -> None:
    overread("users", "add", "reader", "--role", "clinician", "--generate")
    ended = overread("users", "add", "reader", "--role", "admin", "--generate")
    assert ended.code == 1
    assert "already" in ended.err


@pytest.mark.usefixtures("data")
def test_a_disabled_user_is_listed_as_such(overread: Overread) -> None:
    overread("users", "add", "reader", "--role", "clinician", "--generate")
    assert overread("users", "disable", "reader").code == 0
    assert overread("users", "list", "--json").json[0]["disabled"]


@pytest.mark.usefixtures("data")
def test_a_new_password_replaces_the_old(overread: Overread) -> None:
    overread("users", "add", "reader", "--role", "clinician", "--generate")
    assert "new password" in overread("users", "passwd", "reader", "--generate").out


@pytest.mark.usefixtures("data")
def test_an_unknown_user_is_not_found(overread: Overread) -> None:
    ended = overread("users", "disable", "nobody")
    assert (ended.code, ended.err) == (1, "overread: there is no user of this name\n")


@pytest.mark.usefixtures("data")
def test_an_unknown_role_is_a_wrong_usage(overread: Overread) -> None:
    assert overread("users", "add", "reader", "--role", "surgeon", "--generate").code == 2


@pytest.mark.usefixtures("data")
def test_a_key_is_shown_once_and_revoked(overread: Overread) -> None:
    made = overread("keys", "add", "camera", "--json").json
    assert made["key"].startswith("ovr_")
    listed = overread("keys", "list", "--json")
    assert made["key"] not in listed.out
    assert overread("keys", "revoke", made["id"]).code == 0
    assert overread("keys", "list", "--json").json[0]["revoked"]


@pytest.mark.usefixtures("data")
def test_what_is_done_at_the_command_line_is_in_an_intact_audit(overread: Overread) -> None:
    overread("keys", "add", "camera")
    verdict = overread("audit", "verify", "--json").json
    assert verdict["intact"]
    assert verdict["unsealed"] == 1


@pytest.mark.usefixtures("data")
def test_the_database_is_at_this_release_after_an_upgrade(overread: Overread) -> None:
    assert overread("db", "current", "--json").json["current"]


def test_a_missing_database_is_said_to_be_missing(overread: Overread, tmp_path: Path) -> None:
    ended = overread("users", "list", "--data", tmp_path / "nothing")
    assert ended.code == 1
    assert "overread db upgrade" in ended.err
    assert not (tmp_path / "nothing").exists()


def test_a_backup_from_the_wrong_folder_says_which_one_it_looked_in(overread: Overread, tmp_path: Path) -> None:
    ended = overread("db", "backup", tmp_path / "copy", "--data", tmp_path / "nothing")
    assert ended.code == 1
    assert f"there is no database in {tmp_path / 'nothing'}" in ended.err
    assert not (tmp_path / "copy").exists()


def test_a_backup_brings_everything_back(overread: Overread, data: Path, tmp_path: Path) -> None:
    overread("users", "add", "reader", "--role", "clinician", "--generate")
    assert overread("db", "backup", tmp_path / "copy").code == 0
    assert overread("db", "restore", tmp_path / "copy", "--data", tmp_path / "second").code == 0
    assert overread("users", "list", "--json", "--data", tmp_path / "second").json[0]["name"] == "reader"
    assert (data / "overread.sqlite3").exists()


def test_who_takes_a_copy_along_is_in_the_audit(overread: Overread, data: Path, tmp_path: Path) -> None:
    before = overread("audit", "verify", "--json").json["unsealed"]
    overread("db", "backup", tmp_path / "copy")
    assert overread("audit", "verify", "--json").json["unsealed"] == before + 1
    assert '"backup.begun"' in (tmp_path / "copy" / "tables" / "audit.jsonl").read_text()
    assert (data / "overread.sqlite3").exists()


def test_a_backup_is_not_brought_back_over_data(overread: Overread, data: Path, tmp_path: Path) -> None:
    overread("users", "add", "reader", "--role", "clinician", "--generate")
    overread("db", "backup", tmp_path / "copy")
    ended = overread("db", "restore", tmp_path / "copy", "--data", data)
    assert ended.code == 1
    assert ended.err.count("\n") == 1


@pytest.mark.usefixtures("data")
def test_a_setting_that_does_not_fit_is_named(overread: Overread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_PORT", "eighty")
    ended = overread("users", "list")
    assert ended.code == 1
    assert "OVERREAD_PORT" in ended.err


@pytest.mark.usefixtures("data")
def test_a_folder_that_is_no_bundle_is_refused_in_one_sentence(overread: Overread, tmp_path: Path) -> None:
    ended = overread("models", "add", tmp_path)
    assert ended.code == 1
    assert ended.err.startswith("overread: ")
    assert ended.err.count("\n") == 1


def test_nothing_to_do_shows_the_help(overread: Overread) -> None:
    ended = overread()
    assert "Usage" in ended.out + ended.err


def test_the_version_is_printed(overread: Overread) -> None:
    assert overread("--version").out.strip() == "0.1.0"


@pytest.mark.parametrize("command", ["current", "upgrade"])
def test_a_database_that_is_away_is_one_sentence(
    command: str, overread: Overread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERREAD_DATABASE_URL", "postgresql+psycopg://nobody:none@127.0.0.1:9/nothing")
    ended = overread("db", command, "--data", tmp_path)
    assert ended.code == 1
    assert ended.err.startswith("overread: The database does not answer")
    assert ended.err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_one_sentence(overread: Overread, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = overread("db", "upgrade", "--data", tmp_path / "file")
    assert ended.code == 1
    assert ended.err.count("\n") == 1


def test_a_store_with_a_missing_file_is_found_out(overread: Overread, data: Path, tmp_path: Path) -> None:
    empty = overread("db", "check", "--json").json
    assert (empty["checked"], empty["missing"], empty["damaged"], empty["unreferenced"]) == (0, [], [], 0)
    settings = Settings(data_dir=data, models_dir=tmp_path / "no-models")
    with closing(open_store(settings)) as store:
        Desk(store, tmp_path / "scratch").queue()
    (gone, _) = sorted((data / "blobs").rglob("*/*"))
    gone.unlink()
    ended = overread("db", "check")
    assert (ended.code, gone.name in ended.out) == (1, True)
    assert "2 files checked: 1 missing, 0 damaged; 0 more" in ended.out
