"""The dashboard's files as a browser gets them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from services.api.errors import install
from services.dashboard import static


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built dashboard."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<!doctype html><script type="module" src="/assets/index-1.js"></script>')
    (tmp_path / "assets" / "index-1.js").write_text("console.log(1)")
    (tmp_path / "secret.txt").write_text("not for browsers")
    monkeypatch.setattr(static, "DIST", tmp_path)
    return tmp_path


class Browser:
    """A client of an application that serves the dashboard alone."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.app.include_router(static.router)
        install(self.app)

    def get(self, path: str) -> httpx.Response:
        """The answer to one request."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://overread") as client:
                return await client.get(path)

        return asyncio.run(ask())


@pytest.fixture
def browser() -> Browser:
    """A browser, as far as these tests need one."""
    return Browser()


STUDY = "/studies/01JD8Q3Z5V7Y9XK2M4N6P8R0ST"
PAGES = ["/", "/login", STUDY, f"{STUDY}/report", "/batches", "/batches/01JD8Q3Z5V7Y9XK2M4N6P8R0ST", "/models"]
PAGES += ["/models/some_model", "/operations", "/operations/audit", "/account", "/jobs", "/rejections"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_the_one_page(path: str, dist: Path, browser: Browser) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert answer.text == (dist / "index.html").read_text()


def test_a_page_is_asked_for_anew_each_time(dist: Path, browser: Browser) -> None:
    assert browser.get("/").headers["Cache-Control"] == "no-cache"


def test_an_asset_is_kept_for_good(dist: Path, browser: Browser) -> None:
    answer = browser.get("/assets/index-1.js")
    assert answer.text == "console.log(1)"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"].startswith("text/javascript")


def test_nothing_outside_this_server_and_nothing_inline_may_run(dist: Path, browser: Browser) -> None:
    policy = browser.get("/").headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy
    assert "http" not in policy
    # The volume viewer needs no exception either: pictures as files, no worker, no WebAssembly.
    assert not {"worker-src", "child-src"} & rules.keys()
    assert "data:" not in policy and "blob:" not in policy


@pytest.mark.parametrize("name", ["..%2Fsecret.txt", "%2E%2E%2Fsecret.txt", "none.js", "..%2F..%2Fstatic.py"])
def test_no_name_leads_out_of_the_folder(name: str, dist: Path, browser: Browser) -> None:
    assert browser.get(f"/assets/{name}").status_code == 404


def test_a_missing_build_says_how_to_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser) -> None:
    monkeypatch.setattr(static, "DIST", tmp_path / "never-built")
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "python scripts/build_dashboard.py" in answer.text
    assert browser.get("/assets/index-1.js").status_code == 404
