"""The command line as a person uses it: arguments in; exit code, standard output and standard error out."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.cli.main import main
from tests.conftest import SQLITE_FILE


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # Any: whatever document the command printed
        """The one JSON document on standard output."""
        assert self.code == 0, self.err
        return json.loads(self.out)


Overread = Callable[..., Ended]


@pytest.fixture
def overread(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Overread:
    """Runs one command in this process."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["overread", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def data(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a database at this release and no model."""
    folder = tmp_path / "data"
    monkeypatch.setenv("OVERREAD_DATA_DIR", str(folder))
    monkeypatch.setenv("OVERREAD_MODELS_DIR", str(tmp_path / "no-models"))
    folder.mkdir()
    shutil.copy(sqlite_template, folder / SQLITE_FILE)
    return folder
