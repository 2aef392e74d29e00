"""Windows of every size, and addresses that lead nowhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from services.api.result_examples import ADDED_BUNDLE, SEGMENTATION
from services.store import audit, users
from services.store.session import unit_of_work
from services.store.states import Role
from tests.e2e.dashboard.nights import Night
from tests.e2e.dashboard.room import PASSWORD, Room
from tests.e2e.dashboard.written import volumes_study

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TABLET = {"width": 820, "height": 1180}
BARE_4K = {"width": 3840, "height": 2160}
#: 1280 x 800, twice enlarged.
ENLARGED = {"width": 640, "height": 400}
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-" * 2
NOBODY = "01JD8Q3Z5V7Y9XK2M4N6P8R0ST"
OPERATIONS = ("overview", "jobs", "failures", "queues", "rejections", "retention", "users", "keys", "rules", "audit")
#: What has to be scrolled sideways to be read.
SIDEWAYS = """() => [...document.querySelectorAll("html, .page-body, .content")]
    .filter(node => node.scrollWidth > node.clientWidth + 1)
    .map(node => `${node.tagName}.${node.className}: ${node.scrollWidth} > ${node.clientWidth}`)"""
#: Those that take more lines than they have words.
BROKEN = r"""nodes => nodes.filter(node => {
    const text = document.createRange();
    text.selectNodeContents(node.lastChild);
    const lines = new Set([...text.getClientRects()].map(line => Math.round(line.top)));
    return lines.size > node.textContent.split(/[ \-]/).length;
}).map(node => node.textContent)"""
LETTERS = "parseFloat(getComputedStyle(document.body).fontSize)"


@pytest.mark.slow
def test_no_list_is_wider_than_a_tablet(room: Room, night: Night) -> None:
    volumes_study(room.system.store, "W-5002", ADDED_BUNDLE)  # whose queue has a long name
    with unit_of_work(room.system.store.database) as session:
        audit.record(session, f"key:{NOBODY}", "batch.change_unseen", NOBODY, model_sha256="9f" * 32)
        maker = f"user:{users.create_user(session, LONG_NAME, PASSWORD, Role.ADMIN).id}"
        users.create_key(session, LONG_NAME, Role.TECHNICIAN, maker)
        audit.record(session, maker, "key.created")
    room.page.set_viewport_size(TABLET)  # type: ignore[arg-type]
    found = {}
    for path in ("/", "/batches", f"/batches/{night.id}", *(f"/operations/{part}" for part in OPERATIONS)):
        room.go(path)
        expect(room.page.get_by_role("heading", level=1)).to_be_visible()
        expect(room.page.get_by_text("Loading…")).to_have_count(0)
        found[path] = room.page.evaluate(SIDEWAYS)
    assert {path: wide for path, wide in found.items() if wide} == {}


@pytest.mark.slow
def test_no_word_of_a_row_is_broken_on_a_tablet(room: Room) -> None:
    volumes_study(room.system.store, "W-5001", {**SEGMENTATION, "abstained": True, "urgency": "urgent"})
    room.page.set_viewport_size(TABLET)  # type: ignore[arg-type]
    row = room.row("W-5001")
    for word in ("Urgent", "Model abstained"):
        expect(row.get_by_text(word, exact=True)).to_be_visible()
    assert row.locator("time, .badge").evaluate_all(BROKEN) == []


@pytest.mark.slow
def test_on_a_tablet_a_long_form_leaves_the_reading_in_sight(room: Room) -> None:
    volumes_study(room.system.store, "W-5003", SEGMENTATION)
    room.page.set_viewport_size(TABLET)  # type: ignore[arg-type]
    room.open("W-5003")
    room.press("e")
    expect(room.page.get_by_role("textbox", name="Right: Anterior part")).to_be_focused()
    expect(room.page.get_by_role("heading", name="The machine's reading")).to_be_in_viewport()


@pytest.mark.slow
def test_letters_grow_on_a_screen_of_4k_that_magnifies_nothing(room: Room) -> None:
    plain = room.page.evaluate(LETTERS)
    room.page.set_viewport_size(BARE_4K)  # type: ignore[arg-type]
    assert room.page.evaluate(LETTERS) == 1.5 * plain


def test_rows_are_reached_and_read_twice_enlarged(room: Room) -> None:
    volumes_study(room.system.store, "W-5004", SEGMENTATION)
    expect(room.row("W-5004")).to_be_visible()
    room.page.set_viewport_size(ENLARGED)  # type: ignore[arg-type]
    room.press("End", "Home")
    chosen = room.page.get_by_role("row").nth(1).get_by_role("link")
    expect(chosen).to_be_focused()
    expect(chosen).to_be_in_viewport()


@pytest.mark.parametrize(
    ("path", "way", "heading"),
    [
        (f"/studies/{NOBODY}", "Back to the worklist", "Worklist"),
        (f"/batches/{NOBODY}", "All batches", "Overnight"),
        ("/models/nothing", "All models", "Models"),
        ("/nothing/here", "To the worklist", "Worklist"),
    ],
)
def test_what_is_not_there_names_the_way_back(room: Room, path: str, way: str, heading: str) -> None:
    room.go(path)
    room.reach(room.page.get_by_role("link", name=way))
    room.press("Enter")
    expect(room.page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    # What the browser remarks of a 404 is the answer that this test asks for.
    room.faults[:] = [fault for fault in room.faults if not re.search("status of 404", fault)]
