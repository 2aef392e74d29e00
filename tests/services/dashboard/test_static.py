"""The dashboard's files as a browser gets them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from services.api.errors import install
from services.dashboard import plain, static


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
        self.app = FastAPI(redirect_slashes=False)
        self.app.include_router(static.router)
        install(self.app)

    def get(self, path: str, accept: str = "*/*") -> httpx.Response:
        """The answer to one request."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://overread") as client:
                return await client.get(path, headers={"Accept": accept})

        return asyncio.run(ask())


@pytest.fixture
def browser() -> Browser:
    """A browser, as far as these tests need one."""
    return Browser()


#: What Chromium asks for when somebody goes to an address.
NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
TOKENS = Path(static.__file__).parent / "web/src/design/tokens.css"


def colour_of(theme: str, name: str) -> str:
    """What the theme's style sheet says of a colour."""
    found = re.search(rf"--{name}: (#[0-9a-f]{{6}});", theme)
    assert found is not None
    return found[1]


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


@pytest.mark.parametrize("path", ["/nope", f"{STUDY}/nope/nope", "/models/", "/api/v1/nope"])
def test_a_browser_at_an_address_that_leads_nowhere_gets_a_page_with_the_way_on(path: str, browser: Browser) -> None:
    answer = browser.get(path, NAVIGATION)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert '<a href="/">' in answer.text
    assert "nope" not in answer.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/dicom+json", "text/plain, */*;q=0.1"])
def test_a_program_at_an_address_that_leads_nowhere_gets_a_problem(accept: str, browser: Browser) -> None:
    answer = browser.get("/nope", accept)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_only_the_page_s_own_style_is_allowed_on_it(browser: Browser) -> None:
    answer = browser.get("/nope", NAVIGATION)
    rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    style = answer.text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == f"'sha256-{digest}'"
    assert "script" not in answer.text + "".join(rules)


def test_a_plain_page_wears_the_dashboard_s_colours() -> None:
    dark, light = TOKENS.read_text().split(':root[data-theme="light"]')
    assert {name: colour_of(light, name) for name in plain.LIGHT} == plain.LIGHT
    assert {name: colour_of(dark, name) for name in plain.DARK} == plain.DARK


@pytest.mark.parametrize("path", ["/dashboard", "/home", "/index.html", "/studies", "/worklist"])
def test_who_guesses_an_address_is_led_to_the_dashboard(path: str, browser: Browser) -> None:
    answer = browser.get(path, NAVIGATION)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_a_missing_build_says_how_to_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser) -> None:
    monkeypatch.setattr(static, "DIST", tmp_path / "never-built")
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "python scripts/build_dashboard.py" in answer.text
    assert browser.get("/assets/index-1.js").status_code == 404
