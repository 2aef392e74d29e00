"""Model versions from the command line, on the bundles that are shipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Overread = Callable[..., Any]  # Any: conftest's Ended, which a test file cannot import
SHIPPED = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture
def version(overread: Overread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Name and version of the shipped model, registered by `db upgrade`."""
    monkeypatch.setenv("OVERREAD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OVERREAD_MODELS_DIR", str(SHIPPED))
    assert overread("db", "upgrade").code == 0
    listed = retinopathy(overread)
    assert listed["state"] == "active"
    return listed["name"], listed["version"]


def retinopathy(overread: Overread) -> dict[str, str]:
    """The retinopathy model as the list tells it."""
    rows = overread("models", "list", "--json").json
    return next(row for row in rows if row["pipeline"] == "retinopathy")


def state(overread: Overread) -> str:
    return retinopathy(overread)["state"]


def test_a_model_is_retired_and_promoted_with_a_reason(overread: Overread, version: tuple[str, str]) -> None:
    assert overread("models", "retire", *version, "--reason", "a new camera").code == 0
    assert state(overread) == "retired"
    assert overread("models", "promote", *version, "--reason", "the old camera is back").code == 0
    assert state(overread) == "active"
    history = overread("models", "show", *version, "--json").json["history"]
    assert [event["reason"] for event in history][-2:] == ["a new camera", "the old camera is back"]


def test_a_reason_is_required(overread: Overread, version: tuple[str, str]) -> None:
    assert overread("models", "retire", *version).code == 2


def test_a_card_is_printed_whole(overread: Overread, version: tuple[str, str]) -> None:
    card = (SHIPPED / version[0] / "docs" / "README.md").read_text().rstrip()
    assert overread("models", "show", *version).out.startswith(card)


def test_a_registered_bundle_is_not_registered_again(overread: Overread, version: tuple[str, str]) -> None:
    ended = overread("models", "add", SHIPPED / version[0])
    assert ended.code == 1
    assert "already" in ended.err


def test_an_unknown_version_is_not_found(overread: Overread, version: tuple[str, str]) -> None:
    assert overread("models", "promote", version[0], "0.0.0", "--reason", "x").code == 1
