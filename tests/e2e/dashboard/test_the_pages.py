"""Every page of the dashboard under axe, in both themes: nothing that keeps somebody out; and their pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import expect

from services.api.result_examples import ADDED_BUNDLE, RECONSTRUCTION, SEGMENTATION
from tests.e2e.conftest import Running
from tests.e2e.dashboard.heads import head_files
from tests.e2e.dashboard.nights import Night
from tests.e2e.dashboard.room import JOB_SECONDS, Room, colleague
from tests.e2e.dashboard.words import EDIT, say
from tests.e2e.dashboard.written import raw_data_study, volumes_study

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: Impacts that keep somebody out (https://github.com/dequelabs/axe-core/blob/develop/doc/API.md).
GRAVE = ("serious", "critical")
#: The themes differ in colours alone, so one of them is looked at for those; the dark one stays.
RULES = {"light": {"runOnly": ["color-contrast"]}, "dark": None}
RUN = """async ([theme, rules, grave]) => {
    document.documentElement.dataset.theme = theme;
    const { violations } = await axe.run(document, rules ?? {});
    const kept = violations.filter(one => grave.includes(one.impact));
    return kept.flatMap(one => one.nodes.map(node => `${theme}: ${one.id}: ${node.html.slice(0, 200)}`));
}"""
#: Overview and rules have their picture where something happens on them.
OPERATIONS = (
    "jobs",
    "failures",
    "queues",
    "disk",
    "deliveries",
    "rejections",
    "retention",
    "users",
    "keys",
    "audit",
)


@dataclass
class Inspection:
    """What axe finds on the pages it was shown."""

    room: Room
    axe: str
    found: list[str] = field(default_factory=list)

    def look(self, page: str) -> None:
        """Look at what the browser shows now, in both themes."""
        browser = self.room.page
        expect(browser.get_by_text("Loading…")).to_have_count(0)
        if not browser.evaluate("'axe' in window"):
            browser.evaluate(self.axe)
        for theme, rules in RULES.items():
            found: list[str] = browser.evaluate(RUN, [theme, rules, GRAVE])
            self.found += [f"{page}: {one}" for one in found]

    def visit(self, path: str) -> None:
        """Go to a page and look at it once its heading is there."""
        self.room.go(path)
        expect(self.room.page.get_by_role("heading", level=1)).to_be_visible()
        self.look(path)


@pytest.fixture
def inspection(room: Room, axe: str) -> Iterator[Inspection]:
    """The pages of a reader who is logged in; the test fails where axe found anything grave on what was looked at."""
    made = Inspection(room, axe)
    yield made
    assert made.found == []


@pytest.fixture
def photograph(system: Running, retina_photo: Path) -> str:
    """A study of one photograph that the model has read."""
    study = system.submit(retina_photo, "A-4001")["studies"][0]
    assert system.ended(study["jobs"][0], JOB_SECONDS)["state"] == "succeeded"
    return str(study["id"])


def test_login_and_worklist_keep_nobody_out(inspection: Inspection) -> None:
    room, page = inspection.room, inspection.room.page
    volumes_study(room.system.store, "A-4002", SEGMENTATION)
    expect(room.row("A-4002")).to_be_visible()
    inspection.look("worklist")
    room.press(" ", "A")
    expect(page.get_by_role("dialog", name="Assign 1 reading")).to_be_visible()
    inspection.look("worklist, assigning")
    room.keep("assigning")
    room.press("Escape", "?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    inspection.look("keys")
    room.press("Escape", "/")
    page.keyboard.type("nobody of this name")
    room.press("Enter")
    expect(page.get_by_text("No study holds all these words")).to_be_visible()
    inspection.look("worklist, empty")
    room.keep("worklist-empty")
    page.context.clear_cookies()
    room.go("/")
    expect(page.get_by_label("User name")).to_be_focused()
    inspection.look("login")


def test_photographs_and_their_report_keep_nobody_out(inspection: Inspection, photograph: str) -> None:
    room, page = inspection.room, inspection.room.page
    room.go(f"/studies/{photograph}")
    expect(page.get_by_role("img", name=re.compile("^Heat-map"))).not_to_have_js_property("naturalWidth", 0)
    inspection.look("photograph")
    room.press("g", "e")
    expect(page.get_by_role("complementary", name="Grades")).to_be_visible()
    inspection.look("photograph, references, edit")
    room.go(f"/studies/{photograph}/report")
    expect(page.get_by_role("article")).to_contain_text("DRAFT")
    inspection.look("report")


def test_volumes_and_reconstructions_keep_nobody_out(inspection: Inspection) -> None:
    room, page = inspection.room, inspection.room.page
    store = room.system.store
    written = volumes_study(store, "A-4003", SEGMENTATION, head_files())
    room.go(f"/studies/{written.study_id}")
    viewer = page.get_by_role("region", name="Volume with the model's outlines")
    expect(viewer).to_have_attribute("data-drawn", "true")
    inspection.look("volume")
    room.press("d", " ", "x")
    expect(page.get_by_role("button", name="Save the outline")).to_be_enabled()
    inspection.look("volume, brush, reject")
    room.keep("outline")
    raw = raw_data_study(store, "A-4004", RECONSTRUCTION, SEGMENTATION)
    room.go(f"/studies/{raw.study_id}")
    expect(page.get_by_role("img", name="Zero-filled")).to_be_visible()
    inspection.look("reconstruction")
    added = volumes_study(store, "A-4005", ADDED_BUNDLE)
    room.go(f"/studies/{added.study_id}")
    expect(page.get_by_role("table", name="Findings")).to_be_visible()
    inspection.look("added model")


@pytest.mark.slow
def test_second_and_third_readers_are_kept_out_by_nothing(inspection: Inspection, twice: None) -> None:
    room, page = inspection.room, inspection.room.page
    written = volumes_study(room.system.store, "A-4006", SEGMENTATION, head_files())
    viewer = page.get_by_role("region", name="Volume with the model's outlines")
    say(room.system, "first of three", written, action="sign", **EDIT)
    room.go(f"/studies/{written.study_id}")
    expect(page.get_by_role("status").filter(has_text="A second reader is asked for")).to_be_visible()
    expect(viewer).to_have_attribute("data-drawn", "true")
    inspection.look("second reader")
    room.keep("second-reader")
    say(room.system, "second of three", written, action="sign", verdict="accept")
    room.go(f"/studies/{written.study_id}")
    expect(page.get_by_role("table", name="What the readers signed")).to_be_visible()
    expect(viewer).to_have_attribute("data-drawn", "true")
    room.keep("adjudication")
    room.press("e")
    inspection.look("adjudication, edit")


@pytest.mark.slow
def test_blind_readers_are_kept_out_by_nothing(inspection: Inspection) -> None:
    room, page = inspection.room, inspection.room.page
    written = volumes_study(room.system.store, "A-4007", SEGMENTATION)
    with closing(colleague(room.system, "blind and careful")) as reader:
        reader.patch("/me", json={"blind_first": True}).raise_for_status()
        cookies = [{"name": name, "value": value, "url": room.system.url} for name, value in reader.cookies.items()]
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
    room.go("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    inspection.look("worklist of a blind reader")
    room.go(f"/studies/{written.study_id}")
    expect(page.get_by_role("form", name="What do you see?")).to_be_visible()
    inspection.look("blind form")
    room.press("x", "Control+Enter")
    expect(page.get_by_role("table", name="You said · the model says")).to_be_visible()
    inspection.look("blind, told")
    room.go("/account")
    expect(page.get_by_role("table", name="Hippocampus volumes")).to_be_visible()
    inspection.look("account of a blind reader")


@pytest.mark.slow
def test_nights_models_and_operations_keep_nobody_out(inspection: Inspection, night: Night, watched: str) -> None:
    for path in ("/operations", "/operations/rules", "/operations/nothing"):
        inspection.visit(path)
    for path in ("batches", "batches/new", "account"):
        inspection.visit(f"/{path}")
        inspection.room.keep(path.replace("/", "-"))
    inspection.room.go(f"/batches/{night.id}")
    expect(inspection.room.page.get_by_text("2 studies with another answer")).to_be_visible()
    inspection.look("batch")
    for name in ("", f"/{watched}"):
        inspection.room.go(f"/models{name}")
        expect(inspection.room.page.get_by_role("heading", level=1)).to_be_visible()
        inspection.look(f"models{name}")
    for part in OPERATIONS:
        inspection.visit(f"/operations/{part}")
        inspection.room.keep(f"operations-{part}")
