"""The self-test on the real system: whole runs hold, and a run with a planted bug does not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.errors import BadRequest
from services.selftest.databases import find_programs

ROOT = Path(__file__).resolve().parents[3]


def chaos(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run `overread selftest chaos` and return its report; Any: JSON."""
    command = [
        sys.executable,
        "-m",
        "services.cli.main",
        "selftest",
        "chaos",
        "--json",
        "--keep",
        str(folder),
        *arguments,
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    violations = {one["name"]: one["violations"] for one in report["invariants"] if not one["holds"]}
    assert ended.returncode == code, violations
    return report


def violated(report: dict[str, Any]) -> set[str]:
    """The names of the invariants that do not hold."""
    return {one["name"] for one in report["invariants"] if not one["holds"]}


def have_postgresql() -> bool:
    """Whether this machine has a server to start."""
    try:
        return bool(find_programs())
    except BadRequest:
        return False


@pytest.mark.timeout(300)
def test_twenty_seconds_of_strikes_lose_and_double_nothing(tmp_path: Path) -> None:
    report = chaos(tmp_path / "run", "--seconds", "20", "--seed", "1")
    assert len(report["strikes"]) == 10
    assert report["files"] > 40
    assert {"died", "lease_lost"} <= set(report["attempts"]), "the strikes did not hit a job"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_acknowledgement_before_the_commit_is_found(tmp_path: Path) -> None:
    asked = ("--seconds", "1", "--seed", "3", "--strike", "kill API", "--plant", "acknowledge-early")
    report = chaos(tmp_path / "run", *asked, code=1)
    assert "accepted_is_stored" in violated(report)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_result_saved_without_the_fence_is_found(tmp_path: Path) -> None:
    asked = ("--seconds", "10", "--seed", "1", "--strike", "freeze worker", "--plant", "no-fence")
    report = chaos(tmp_path / "run", *asked, code=1)
    assert violated(report) & {"claims_and_attempts_fit", "no_defect"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_minutes_of_strikes_lose_and_double_nothing(tmp_path: Path) -> None:
    report = chaos(tmp_path / "run", "--minutes", "2", "--seed", "2")
    assert report["visits"]["photograph"] > 4


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.timeout(900)
@pytest.mark.skipif(not have_postgresql(), reason="there is no PostgreSQL on this machine")
def test_two_minutes_of_strikes_on_postgresql_lose_and_double_nothing(tmp_path: Path) -> None:
    broker = "redis" if shutil.which("redis-server") else "valkey"
    asked = ("--minutes", "2", "--seed", "3", "--database", "postgresql", "--broker", broker)
    chaos(tmp_path / "run", *asked)
