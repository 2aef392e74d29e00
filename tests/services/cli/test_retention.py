"""`overread retention` and the fast `db check`, on a database without a running system."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.settings import Settings
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Study
from tests.services.conftest import Desk


def overread(settings: Settings, *arguments: str) -> str:
    """The command's output; it must end with 0."""
    answer = CliRunner().invoke(app, [*arguments, "--data", str(settings.data_dir)])
    assert answer.exit_code == 0, answer.output
    return answer.output


@pytest.fixture
def console(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of the store, as the command reads them."""
    monkeypatch.setenv("OVERREAD_DATABASE_URL", settings.resolved_database_url)
    return settings


def test_a_policy_goes_its_way(console: Settings) -> None:
    wanted = ("--state", "signed", "--older-than-days", "365", "--json")
    policy = json.loads(overread(console, "retention", "add", "old", *wanted))
    assert json.loads(overread(console, "retention", "preview", "old", "--json"))["studies"] == 0
    overread(console, "retention", "approve", policy["id"], "--studies", "0")
    assert json.loads(overread(console, "retention", "run", "--json")) == {"studies": 0, "files": 0}
    assert json.loads(overread(console, "retention", "list", "--json"))[0]["approved_by"] == "console"
    overread(console, "retention", "remove", "old")
    assert json.loads(overread(console, "retention", "list", "--json")) == []


def test_a_study_is_held_and_released(console: Settings, desk: Desk, store: Store) -> None:
    study_id = desk.image("OP")
    overread(console, "retention", "hold", study_id, "--reason", "litigation")
    with unit_of_work(store.database, writing=False) as session:
        assert session.get_one(Study, study_id).legal_hold_reason == "litigation"
    overread(console, "retention", "release", study_id)
    with unit_of_work(store.database, writing=False) as session:
        assert not session.get_one(Study, study_id).legal_hold


def test_the_fast_check_ends_with_1_and_says_what_is_missing(console: Settings, desk: Desk, store: Store) -> None:
    desk.image("OP")
    assert json.loads(overread(console, "db", "check", "--fast", "--json"))["missing"] == []
    [lost] = [file.sha256 for folder in store.blobs.folders() for file in store.blobs.listed(folder)]
    store.blobs.remove(str(lost))
    answer = CliRunner().invoke(app, ["db", "check", "--fast", "--data", str(console.data_dir)])
    assert answer.exit_code == 1
    assert f"missing: sha256 {lost} (image " in answer.output
