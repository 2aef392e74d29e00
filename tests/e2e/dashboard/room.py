"""The reading room as a test sees it: a page of a logged-in reader, and what readers have written."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from services.store import users, worklist
from services.store.session import unit_of_work
from services.store.states import Role
from tests.e2e.conftest import PASSWORD, PATIENCE_SECONDS, Running

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ROOT / "docs" / "images"
#: Set, the tests also leave the screenshots of the documentation: `make screenshots`.
KEEP_SCREENSHOTS = "OVERREAD_SCREENSHOTS" in os.environ
#: A picture with photographs is larger as it comes, and then has this many colours.
MOST_BYTES, COLOURS = 300_000, 256
WINDOW = {"width": 1280, "height": 800}
PATIENCE_MS = 60_000
JOB_SECONDS = 180.0
#: A page that has its answer and asks for something more does so sooner.
REST_MS = 1_000
#: More stops than any page has.
MOST_STOPS = 120
CSRF_COOKIE, CSRF_HEADER = "overread_csrf", "X-CSRF-Token"


@dataclass
class Room:
    """A page of a logged-in reader; `faults` are what the browser complained of."""

    page: Page
    system: Running
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open one of the dashboard's addresses."""
        self.page.goto(f"{self.system.url}{path}")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def reach(self, target: Locator) -> None:
        """Go to a control with the tabulator alone."""
        expect(target).to_be_visible()
        for _ in range(MOST_STOPS):
            self.press("Tab")
            if target.evaluate("node => node === document.activeElement"):
                return
        raise AssertionError("the control cannot be reached by keyboard")

    def rest(self) -> None:
        """Wait until the page has fetched what it shows next and asks for nothing more by itself."""
        before = -1
        while len(self.asked) > before or self.under_way():
            before = len(self.asked)
            self.page.wait_for_timeout(REST_MS)

    def under_way(self) -> Counter[str]:
        """What was asked for and has no answer yet; the line of live news never has its last."""
        waiting = Counter(self.asked) - Counter(self.answered)
        return Counter({url: count for url, count in waiting.items() if not url.endswith("/events")})

    def log_in(self, name: str, password: str) -> None:
        """Log in by keyboard; the user's name has the focus."""
        expect(self.page.get_by_label("User name")).to_be_focused()
        self.page.keyboard.type(name)
        self.press("Tab")
        self.page.keyboard.type(password)
        self.press("Enter")

    def row(self, patient_id: str) -> Locator:
        """The patient's row of the worklist."""
        return self.page.get_by_role("row").filter(has_text=patient_id)

    def open(self, patient_id: str) -> None:
        """Open the patient's first reading in the worklist by keyboard alone."""
        row = self.row(patient_id).first
        expect(row).to_be_visible()
        self.press("Home")
        for _ in range(self.page.get_by_role("row").count()):
            if "chosen" in (row.get_attribute("class") or ""):
                break
            self.press("j")
        self.press("Enter")
        expect(self.page.get_by_role("heading", name=patient_id, exact=True)).to_be_visible()

    def keep(self, name: str) -> None:
        """A screenshot for the documentation, where such are wanted."""
        if KEEP_SCREENSHOTS:
            IMAGES.mkdir(exist_ok=True)
            picture = IMAGES / f"{name}.png"
            expect(self.page.get_by_text("Loading…")).to_have_count(0)
            self.page.screenshot(path=picture)
            if picture.stat().st_size > MOST_BYTES:
                with Image.open(picture) as shown:
                    fewer = shown.convert("RGB").quantize(COLOURS)
                fewer.save(picture, optimize=True)


def listed(system: Running, study_id: str) -> str:
    """The study of an earlier test, brought into the list of the one that runs now."""
    with unit_of_work(system.store.database) as session:
        worklist.project(session, study_id)
    return study_id


def reviews_of(system: Running, study_id: str) -> list[dict[str, object]]:
    """The study's reviews as the API tells them."""
    reviews: list[dict[str, object]] = system.client.get(f"/studies/{study_id}").json()["reviews"]
    return reviews


def colleague(system: Running, name: str) -> httpx.Client:
    """Another clinician, logged in."""
    with unit_of_work(system.store.database) as session:
        users.create_user(session, name, PASSWORD, Role.CLINICIAN)
    client = httpx.Client(base_url=f"{system.url}/api/v1", timeout=PATIENCE_SECONDS)
    assert client.post("/session", json={"name": name, "password": PASSWORD}).status_code == 201
    client.headers[CSRF_HEADER] = client.cookies[CSRF_COOKIE]
    return client
