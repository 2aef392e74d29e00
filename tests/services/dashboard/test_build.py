"""The dashboard's own tests, its types against the API, and what its build script decides."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "services" / "dashboard" / "web"
INSTALL_SECONDS = 300


def build_dashboard(what: str) -> subprocess.CompletedProcess[str]:
    """Run the build script."""
    command = [sys.executable, "scripts/build_dashboard.py", what]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(INSTALL_SECONDS)  # the first run installs the packages
def test_the_dashboards_own_tests_pass() -> None:
    done = build_dashboard("test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboards_types_fit_the_api() -> None:
    done = build_dashboard("current")
    assert done.returncode == 0, done.stderr


def test_a_second_build_has_nothing_to_do() -> None:
    build_dashboard("build")
    assert "built and current" in build_dashboard("build").stdout


def test_the_lock_file_names_no_registry_of_a_machine() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    addresses = {package["resolved"] for package in packages.values() if "resolved" in package}
    assert all(address.startswith("https://registry.npmjs.org/") for address in addresses)
    assert all("integrity" in package for name, package in packages.items() if name)
