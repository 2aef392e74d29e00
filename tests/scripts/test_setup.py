"""The set-up script chooses a build of PyTorch by what the machine has, and runs again only when something changed."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from scripts import build_dashboard, setup

CLOSED = "http://127.0.0.1:9"  # the discard port: nobody listens there


#: Ends badly the first time it is called, and is well from then on; with `always` never.
MOODY = """#!/bin/sh
echo tried >> {tried}
[ "{always}" = False ] && [ "$(wc -l < {tried})" -gt 1 ]
"""


class Index(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def index() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_cpu_build_comes_from_pytorchs_own_index_where_it_answers(
    index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "CPU_INDEX", index)
    _, arguments = setup.torch_arguments("cpu")
    assert arguments == ["--extra-index-url", index, f"torch=={setup.pinned_torch()}"]


def test_pip_decides_where_that_index_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "CPU_INDEX", CLOSED)
    words, arguments = setup.torch_arguments("cpu")
    assert arguments == [f"torch=={setup.pinned_torch()}"]
    assert "does not answer" in words


def test_cuda_leaves_out_builds_with_a_local_version() -> None:
    assert setup.torch_arguments("cuda")[1] == [f"torch==={setup.pinned_torch()}"]


@pytest.fixture
def tried(tmp_path: Path) -> Path:
    """A line for each call of a moody program."""
    return tmp_path / "tried"


def moody(tried: Path, *, always: bool = False) -> Path:
    """A program that fails once, or always."""
    program = tried.parent / "program"
    program.write_text(MOODY.format(tried=tried, always=always))
    program.chmod(0o700)
    return program


def test_packages_are_asked_for_again_where_the_line_broke(tried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "PYTHON", moody(tried))
    monkeypatch.setattr(setup, "WORKSHOP", tried.parent)
    setup.pip_install([])
    assert tried.read_text() == "tried\n" * 2


def test_packages_that_cannot_be_had_end_the_set_up(tried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "PYTHON", moody(tried, always=True))
    monkeypatch.setattr(setup, "WORKSHOP", tried.parent)
    with pytest.raises(setup.SetupFailed, match="could not install"):
        setup.pip_install([])
    assert tried.read_text() == "tried\n" * setup.INSTALL_TRIES


def test_the_dashboards_packages_are_asked_for_again_too(tried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_dashboard, "PACKAGES_STAMP", tried.parent / "stamp")
    program = moody(tried)
    build_dashboard.install_packages(build_dashboard.Node(program, (str(program),)), everything=True)
    assert tried.read_text() == "tried\n" * 2


def test_a_missing_environment_is_not_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "ENVIRONMENT", tmp_path)
    assert not setup.is_current("run", "auto")


@pytest.mark.parametrize("target", ["run", "develop"])
def test_a_finished_installation_is_current_for_use(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "ENVIRONMENT", tmp_path)
    setup.stamp(target).write_text(setup.ingredients_digest(target, "auto"))
    assert setup.is_current("run", "auto")


def test_an_installation_for_use_is_not_enough_for_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "ENVIRONMENT", tmp_path)
    setup.stamp("run").write_text(setup.ingredients_digest("run", "auto"))
    assert not setup.is_current("develop", "auto")


def test_another_build_of_pytorch_is_another_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "ENVIRONMENT", tmp_path)
    setup.stamp("run").write_text(setup.ingredients_digest("run", "cpu"))
    assert not setup.is_current("run", "cuda")


@pytest.mark.parametrize("changed", setup.INGREDIENTS)
def test_a_changed_ingredient_installs_again(changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    for name in setup.INGREDIENTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("before")
    before = setup.ingredients_digest("run", "auto")
    (tmp_path / changed).write_text("after")
    assert setup.ingredients_digest("run", "auto") != before


def test_the_pins_hold_no_build_of_one_machine() -> None:
    pins = (setup.ROOT / "constraints.txt").read_text()
    assert "+" not in "".join(line for line in pins.splitlines() if not line.startswith("#"))
    assert "@" not in pins
    assert "file:" not in pins
