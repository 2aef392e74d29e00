"""Logs: JSON lines that name ids only."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from services import log

SECRET = "DOE^JANE"


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    """Logging as a process sets it up, and as it was before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What was logged."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_is_one_json_line_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    log.logger("worker").info("job.finished", job="01J", seconds=3.2)
    [line] = lines(capsys)
    assert (line["event"], line["job"], line["seconds"], line["level"]) == ("job.finished", "01J", 3.2, "info")
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize("key", sorted(log.IDENTIFYING_KEYS))
def test_identifying_values_are_redacted(capsys: pytest.CaptureFixture[str], key: str) -> None:
    log.configure()
    log.logger("intake").info("file.received", **{key: SECRET})
    assert SECRET not in capsys.readouterr().err


def test_an_exception_is_logged_by_class_and_place_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError:
        log.logger("worker").exception("job.failed")
    [line] = lines(capsys)
    assert SECRET not in str(line)
    assert [place.split(" ")[0] for place in line["exception"]] == ["RuntimeError", "ValueError"]


def test_a_warning_of_a_trusted_library_is_a_json_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    logging.getLogger("celery.worker").warning("the pool is %s", "full")
    [line] = lines(capsys)
    assert (line["event"], line["level"]) == ("the pool is full", "warning")


def test_what_another_library_says_is_withheld(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    logging.getLogger("pydicom.valuerep").warning("Invalid value for VR PN: '%s'", SECRET)
    warnings.warn(f"Invalid value for VR UI: {SECRET}", stacklevel=1)
    said = lines(capsys)
    assert [str(line["event"]).split(" at ")[0] for line in said] == [
        "message withheld: pydicom.valuerep",
        "message withheld: py.warnings",
    ]
    assert SECRET not in str(said)
