"""Batches from the command line: preview, start, look, pause, resume, cancel, and exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.bundle_files import METADATA, read_json
from services.settings import Settings
from services.store import migrate
from services.store.states import BatchState
from services.store.stores import open_store
from services.work.tend import tend_all
from tests.services.archives import Rung

Overread = Callable[..., Any]  # Any: conftest's Ended, which a test file cannot import
SHIPPED = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a system with the shipped models, made once."""
    folder = tmp_path_factory.mktemp("system")
    migrate.upgrade(Settings(data_dir=folder, models_dir=SHIPPED))
    return folder


@pytest.fixture
def settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The system's settings, as the commands find them."""
    monkeypatch.setenv("OVERREAD_DATA_DIR", str(folder))
    monkeypatch.setenv("OVERREAD_MODELS_DIR", str(SHIPPED))
    return Settings()


def tend(settings: Settings) -> None:
    """What the scheduler does in a second."""
    store = open_store(settings)
    tend_all(store, Rung(), settings)
    store.close()


def test_a_batch_is_started_shown_and_listed(overread: Overread, settings: Settings) -> None:
    window = ("--window", "22:00-06:00", "--zone", "Europe/Berlin")
    begun = overread("reprocess", "start", "retinopathy", *window, "--studies-a-night", 100, "--json").json
    assert begun["state"] == BatchState.PLANNING
    assert begun["window"] == {"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}
    assert (begun["budget"], begun["created_by"]) == ({"studies": 100}, "console")
    assert overread("reprocess", "show", begun["id"], "--json").json == begun
    assert overread("reprocess", "list", "--json").json[0]["id"] == begun["id"]
    assert begun["id"] in overread("reprocess", "show", begun["id"]).out


def test_a_preview_writes_nothing(overread: Overread, settings: Settings) -> None:
    before = overread("reprocess", "list", "--json").json
    told = overread("reprocess", "preview", "retinopathy", "--json").json
    assert (told["to_read"], told["hours"], told["counted_share"]) == (0, None, 1.0)
    assert overread("reprocess", "list", "--json").json == before


def test_a_preview_of_a_folder_counts_what_is_there(overread: Overread, settings: Settings, tmp_path: Path) -> None:
    for name in ("P-1", "P-2"):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "a_L.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    told = overread("reprocess", "preview", "retinopathy", "--folder", tmp_path / "images", "--json").json
    assert told["to_read"] == 2


def test_a_batch_is_paused_resumed_and_cancelled(overread: Overread, settings: Settings) -> None:
    batch = overread("reprocess", "start", "retinopathy", "--json").json["id"]
    assert overread("reprocess", "pause", batch, "--json").json["state"] == "paused"
    assert overread("reprocess", "resume", batch, "--json").json["state"] == "waiting"
    assert overread("reprocess", "cancel", batch, "--json").json["state"] == "cancelled"
    again = overread("reprocess", "cancel", batch)
    assert (again.code, "has ended" in again.err) == (1, True)


def test_watching_ends_with_the_batch(overread: Overread, settings: Settings) -> None:
    batch = overread("reprocess", "start", "retinopathy", "--json").json["id"]
    tend(settings)
    assert overread("reprocess", "watch", batch, "--json").json["state"] == "finished"


def test_watching_a_batch_that_was_cancelled_fails(overread: Overread, settings: Settings) -> None:
    batch = overread("reprocess", "start", "retinopathy", "--json").json["id"]
    overread("reprocess", "cancel", batch)
    watched = overread("reprocess", "watch", batch)
    assert (watched.code, "cancelled" in watched.err) == (1, True)


def test_changes_and_summary_of_a_finished_batch(overread: Overread, settings: Settings, tmp_path: Path) -> None:
    batch = overread("reprocess", "start", "retinopathy", "--json").json["id"]
    tend(settings)
    assert overread("reprocess", "changes", batch, "--json").json == []
    assert overread("reprocess", "summary", batch, "--json").json["batch_id"] == batch
    said = overread("reprocess", "summary", batch).out.splitlines()
    version = read_json(SHIPPED / "fundus_dr_grading" / METADATA)["version"]
    assert said[0] == f"Re-read retinopathy: retinopathy with fundus_dr_grading {version}, finished"
    assert "  subjects                      none" in said
    assert overread("reprocess", "summary", batch, "--format", "csv").out.startswith("section,name,row,column,value")
    page = tmp_path / "summary.pdf"
    assert overread("reprocess", "summary", batch, "--format", "pdf", "-o", page).code == 0
    assert page.read_bytes().startswith(b"%PDF")
    assert overread("reprocess", "summary", batch, "--format", "pdf").code == 2


@pytest.mark.parametrize(
    "wrong",
    [
        ("--window", "22:00"),
        ("--window", "25:00-06:00"),
        ("--window", "22:00-06:00", "--zone", "Mars/Olympus"),
        ("--from", "yesterday"),
        ("--folder", "/no/such/folder"),
        ("--archive", "nobody"),
        ("--finding", "dr_grade:two"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    overread: Overread, settings: Settings, wrong: tuple[str, ...]
) -> None:
    ended = overread("reprocess", "start", "retinopathy", *wrong)
    assert (ended.code, ended.err.startswith("overread: ")) == (1, True)
    assert "pattern" not in ended.err  # a regular expression is no sentence
