"""Queues from the command line, on a real database."""

from __future__ import annotations

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
def test_a_queue_is_paused_limited_and_goes_on(overread: Overread) -> None:
    assert overread("queues", "pause", "retinopathy").code == 0
    assert overread("queues", "limit", "retinopathy", "2").code == 0
    assert asked(overread) == (True, 2)
    assert overread("queues", "resume", "retinopathy").code == 0
    assert overread("queues", "limit", "retinopathy", "any").code == 0
    assert asked(overread) == (False, None)


def asked(overread: Overread) -> tuple[bool, int | None]:
    """Whether the queue is paused, and its limit."""
    (queue,) = [each for each in overread("queues", "list", "--json").json if each["name"] == "retinopathy"]
    return queue["paused"], queue["running_limit"]


def test_what_waits_in_a_queue_is_listed(overread: Overread, data: Path, tmp_path: Path) -> None:
    with closing(open_store(Settings(data_dir=data))) as store:
        desk = Desk(store, tmp_path / "scratch")
        desk.queue()
        desk.queue()
    (line,) = [line for line in overread("queues", "list").out.splitlines() if line.startswith("retinopathy ")]
    assert line.split()[1:7] == ["2", "waiting", "0", "held", "0", "running"]


@pytest.mark.usefixtures("data")
def test_the_queue_of_the_self_test_is_not_listed_while_nothing_is_in_it(overread: Overread) -> None:
    names = [each["name"] for each in overread("queues", "list", "--json").json]
    assert "retinopathy" in names and "selftest" not in names


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("wanted", [("pause", "elsewhere"), ("limit", "retinopathy", "many")])
def test_what_makes_no_sense_is_refused_in_one_sentence(overread: Overread, wanted: tuple[str, ...]) -> None:
    ended = overread("queues", *wanted)
    assert ended.code == 1 and ended.err.count("\n") == 1
