"""An interrupted submission goes on; what has changed since is sent again."""

from __future__ import annotations

import os
from pathlib import Path

from services.cli.journal import journal_of
from services.cli.parcels import collect

URL = "http://127.0.0.1:8000"


def test_what_arrived_is_known_to_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(b"x")
    letters = collect([file])
    journal_of(URL, [file], tmp_path).add(letters, ["S1"])
    again = journal_of(URL, [file], tmp_path)
    assert again.holds(letters[0])
    assert list(again.studies) == ["S1"]


def test_a_changed_file_is_sent_again(tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(b"x")
    journal_of(URL, [file], tmp_path).add(collect([file]), ["S1"])
    os.utime(file, ns=(1, 1))
    assert not journal_of(URL, [file], tmp_path).holds(collect([file])[0])


def test_another_address_has_its_own_journal(tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(b"x")
    journal_of(URL, [file], tmp_path).add(collect([file]), ["S1"])
    assert not journal_of("http://127.0.0.1:9000", [file], tmp_path).marks


def test_a_finished_submission_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(b"x")
    journal = journal_of(URL, [file], tmp_path)
    journal.add(collect([file]), ["S1"])
    journal.close()
    assert not journal_of(URL, [file], tmp_path).marks


def test_the_journal_holds_no_file_name(tmp_path: Path) -> None:
    file = tmp_path / "DOE_JANE.dcm"
    file.write_bytes(b"x")
    journal = journal_of(URL, [file], tmp_path)
    journal.add(collect([file]), ["S1"])
    assert "DOE" not in journal.path.read_text() + str(journal.path.name)
