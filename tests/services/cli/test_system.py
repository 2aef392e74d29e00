"""Starting the whole system: what is in the way is named for what it is."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pipelines.core.errors import Conflict
from services.cli.system import running
from services.settings import Settings


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Puts back what a started system makes of SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = Settings(data_dir=tmp_path / "data", port=other.getsockname()[1])
        with pytest.raises(Conflict) as refused, running(settings):
            pass
    assert refused.value.code == "port_taken"


def test_another_obstacle_is_not_taken_for_the_port(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "broker").write_text("in the way")
    with pytest.raises(FileExistsError), running(Settings(data_dir=tmp_path / "data", port=0)):
        pass


def test_a_full_disk_is_no_reason_to_stay_down(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", models_dir=tmp_path, port=0, disk_reserve_bytes=2**62)
    with running(settings) as system:
        assert httpx.get(f"{system.url}/readyz").json()["disk"] == "full"


def test_an_empty_variable_is_as_if_it_were_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_DATA_DIR", "")
    assert Settings().data_dir == Path("overread-data")
