"""The container files hold together; running them needs an engine, which a test machine need not have."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = shutil.which("docker-compose")
PASSWORDS = {"POSTGRES_PASSWORD": "0f" * 24, "REDIS_PASSWORD": "f0" * 24}

needs_compose = pytest.mark.skipif(COMPOSE is None, reason="docker-compose is not installed")


def config(**given: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in PASSWORDS}
    with tempfile.NamedTemporaryFile() as nothing:  # in place of a developer's own .env
        command = [str(COMPOSE), "--env-file", nothing.name, "config"]
        return subprocess.run(command, cwd=ROOT, env={**kept, **given}, capture_output=True, text=True)


@needs_compose
def test_the_compose_file_is_well_formed() -> None:
    assert config(**PASSWORDS).returncode == 0


@needs_compose
@pytest.mark.parametrize("missing", PASSWORDS)
def test_no_password_has_a_default(missing: str) -> None:
    ended = config(**{name: value for name, value in PASSWORDS.items() if name != missing})
    assert ended.returncode != 0
    assert missing in ended.stderr


@needs_compose
def test_only_the_api_and_the_dicom_listener_are_reachable_and_only_from_the_host_itself() -> None:
    lines = [line.strip() for line in config(**PASSWORDS).stdout.splitlines()]
    assert sorted(line for line in lines if line.endswith("/tcp")) == [
        "- 127.0.0.1:11112:11112/tcp",
        "- 127.0.0.1:8000:8000/tcp",
    ]


def test_the_image_does_not_run_as_root_and_says_whether_it_is_well() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER overread" in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)


@pytest.mark.parametrize("folder", ["migrations", "models", "pipelines", "services"])
def test_the_image_holds_all_that_runs(folder: str) -> None:
    assert f"COPY {folder} {folder}" in (ROOT / "Dockerfile").read_text()
