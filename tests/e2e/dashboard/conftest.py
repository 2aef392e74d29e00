"""Fixtures of the dashboard's journeys: one running system for all of them, a real browser, a logged-in reader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, expect, sync_playwright

from services.store.session import unit_of_work
from services.store.tables import BatchItem, WorklistRow
from tests.e2e.conftest import PATIENCE_SECONDS, Running, running
from tests.e2e.dashboard.nights import Night, model_with_darker_images, night_with_changes
from tests.e2e.dashboard.room import PATIENCE_MS, ROOT, WINDOW, Room, listed

#: A busy machine starts a browser slowly.
START_MS = 120_000


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The whole system over SQLite, for all journeys."""
    with running(tmp_path_factory.mktemp("reading-room")) as started:
        yield started


@pytest.fixture(autouse=True)
def fresh_list(system: Running) -> None:
    """Each test begins with an empty list: what others left is neither before its rows nor behind them."""
    with unit_of_work(system.store.database) as session:
        session.execute(sa.delete(WorklistRow))


def run_script(name: str, *arguments: str) -> str:
    """What one of the scripts prints; the test fails where it does not end well."""
    command = [sys.executable, f"scripts/{name}", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="package")
def axe() -> str:
    """The program of axe-core; a build alone does not install it."""
    run_script("build_dashboard.py", "packages")
    return (ROOT / "services/dashboard/web/node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A real Chromium over a built dashboard."""
    run_script("build_dashboard.py")
    found = json.loads(run_script("find_chromium.py"))
    # The sandbox needs a user who is not root; the pages are our own.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found["program"],
            args=arguments,
            env={**os.environ, **found["environment"]},
            timeout=START_MS,
        )
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser nobody has used yet."""
    context = chromium.new_context(viewport=WINDOW, locale="en-GB", reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    # A signature leads on to the next study; a journey that looks at what was signed stays where it is.
    context.add_init_script("localStorage.getItem('overread.goOn') ?? localStorage.setItem('overread.goOn', 'off')")
    yield context
    context.close()


@pytest.fixture
def stranger(context: BrowserContext, system: Running) -> Iterator[Room]:
    """Somebody who has not logged in; the test fails where the browser had anything to complain of."""
    room = Room(context.new_page(), system)

    def hear(message: ConsoleMessage) -> None:
        # What a graphics driver remarks of its own speed is no fault of the page.
        is_remark = message.type == "warning" and "GL Driver Message (OpenGL, Performance" in message.text
        if message.type in {"error", "warning"} and not is_remark:
            room.faults.append(f"{message.text} at {message.location.get('url')}")

    def note(request: Request) -> None:
        room.asked.append(request.url)

    room.page.on("console", hear)
    room.page.on("pageerror", lambda error: room.faults.append(str(error)))
    room.page.on("request", note)
    room.page.on("requestfinished", lambda request: room.answered.append(request.url))
    room.page.on("requestfailed", lambda request: room.answered.append(request.url))
    yield room
    assert room.faults == []
    assert [url for url in room.asked if not url.startswith((system.url, "blob:"))] == []


@pytest.fixture(scope="package")
def session_cookies(system: Running) -> list[Any]:
    """What the browser of a logged-in reader holds; logging in is slow on purpose, so it is done once."""
    with httpx.Client(base_url=f"{system.url}/api/v1", timeout=PATIENCE_SECONDS) as client:
        client.post("/session", json={"name": system.user, "password": system.password}).raise_for_status()
        return [{"name": name, "value": value, "url": system.url} for name, value in client.cookies.items()]


@pytest.fixture
def room(stranger: Room, session_cookies: list[Any]) -> Room:
    """A reader at the worklist."""
    stranger.page.context.add_cookies(session_cookies)
    stranger.go("/")
    expect(stranger.page.get_by_role("heading", name="Worklist")).to_be_visible()
    return stranger


@pytest.fixture(scope="package")
def one_night(system: Running) -> Night:
    """A night in which two studies changed, one more than the other."""
    return night_with_changes(system.store)


@pytest.fixture
def night(one_night: Night, system: Running) -> Night:
    """The one night of all tests, its studies in this one's list."""
    with unit_of_work(system.store.database, writing=False) as session:
        studies = session.scalars(sa.select(BatchItem.study_id).filter_by(batch_id=one_night.id)).all()
    for study_id in studies:
        listed(system, study_id)
    return one_night


@pytest.fixture(scope="package")
def watched(system: Running) -> str:
    """A model that drifts."""
    return model_with_darker_images(system.store)


@pytest.fixture
def twice(system: Running) -> Iterator[None]:
    """Whatever the first reader disagrees with is read by a second one."""
    rule = {"name": "disagreement", "pipeline": "segmentation", "on_disagreement": True, "blinded": False}
    made = system.client.post("/reading-rules", json=rule)
    assert made.status_code == 201, made.text
    yield
    assert system.client.delete(f"/reading-rules/{made.json()['id']}").status_code == 204
