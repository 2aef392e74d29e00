"""The worklist by keyboard: views, search, marks, assigning, and a list that is too long to be in the page."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from benchmarks.fill import fill
from services.api.result_examples import SEGMENTATION
from tests.e2e.conftest import running
from tests.e2e.dashboard.room import WINDOW, Room, colleague
from tests.e2e.dashboard.written import volumes_study

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MANY = 10_000


def views(room: Room) -> Any:
    """The strip of views; Any: Playwright's locator."""
    return room.page.get_by_role("navigation", name="Views")


def test_readings_are_marked_and_assigned_by_keyboard_alone(room: Room) -> None:
    for patient in ("W-3001", "W-3002"):
        volumes_study(room.system.store, patient, SEGMENTATION)
    expect(room.row("W-3002")).to_be_visible()
    mine = views(room).get_by_role("button", name=re.compile("^Mine"))
    expect(mine).to_contain_text(re.compile(r"\d"))
    before = int(re.sub(r"\D", "", mine.inner_text()))
    room.press("Home", " ", "J")
    expect(room.page.get_by_role("status").filter(has_text="marked")).to_contain_text("2 readings marked")
    room.press("A")
    dialog = room.page.get_by_role("dialog", name="Assign 2 readings")
    expect(dialog.get_by_label("To")).to_be_focused()
    room.press("Tab", "Tab", "Enter")
    expect(room.page.get_by_role("status").filter(has_text="assigned")).to_have_text("2 readings assigned.")
    expect(mine).to_contain_text(str(before + 2))


def test_assigning_marks_the_row_one_stands_on_and_dropped_marks_are_told(room: Room) -> None:
    volumes_study(room.system.store, "W-3004", SEGMENTATION)
    expect(room.row("W-3004")).to_be_visible()
    room.press("A")
    expect(room.page.get_by_role("dialog", name="Assign 1 reading")).to_be_visible()
    room.press("Escape", "v")
    told = room.page.get_by_role("status").filter(has_text="another list is shown")
    expect(told).to_have_text("1 reading no longer marked, since another list is shown.")
    room.press("V", "/")
    room.page.keyboard.type("W-3004")
    room.press("Enter")
    expect(room.page.get_by_text("1 reading for")).to_be_visible()
    room.press("Escape", "Escape")
    expect(room.page.get_by_text("1 reading for")).to_have_count(0)


@pytest.mark.slow
def test_another_readers_readings_are_taken_over_on_purpose_only(room: Room) -> None:
    volumes_study(room.system.store, "W-3003", SEGMENTATION)
    expect(room.row("W-3003")).to_be_visible()
    with closing(colleague(room.system, "nora")) as other:
        [row] = search(other, "W-3003")
        other.post("/assignments", json={"row_ids": [row["row_id"]], "user_id": "me"}).raise_for_status()
    expect(room.row("W-3003")).to_contain_text("nora")
    room.row("W-3003").get_by_role("checkbox").check()
    room.press("A")
    dialog = room.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Assign", exact=True).click()
    expect(dialog).to_contain_text("1 reading left with another reader")
    expect(room.row("W-3003")).to_contain_text("nora")
    dialog.get_by_role("button", name="Take over 1 reading").click()
    expect(room.row("W-3003")).to_contain_text(room.system.user)


def search(client: httpx.Client, text: str) -> list[dict[str, Any]]:
    """The rows that a search finds; Any: JSON."""
    items: list[dict[str, Any]] = client.post("/studies/search", json={"text": text}).json()["items"]
    return items


def test_a_view_is_kept_under_a_name_and_comes_back_with_its_count(room: Room) -> None:
    volumes_study(room.system.store, "W-3008", SEGMENTATION)
    room.page.get_by_label("Urgency").select_option("routine")
    room.page.get_by_label("Question").select_option(label="Hippocampus volumes")
    views(room).get_by_role("button", name="Keep this view").click()
    room.page.keyboard.type("calm brains")
    room.press("Enter")
    kept = views(room).get_by_role("button", name=re.compile("^calm brains"))
    expect(kept).to_have_attribute("aria-current", "true")
    views(room).get_by_role("button", name="Everything").click()
    expect(room.page.get_by_label("Urgency")).to_have_value("")
    kept.click()
    expect(room.page.get_by_label("Urgency")).to_have_value("routine")
    views(room).get_by_role("button", name="Delete").click()
    expect(kept).to_have_count(0)


def test_a_study_is_found_by_its_patient_without_telling_the_address(room: Room) -> None:
    volumes_study(room.system.store, "W-3005", SEGMENTATION)
    room.press("/")
    room.page.keyboard.type("w-3005")
    room.press("Enter")
    expect(room.page.get_by_role("main")).to_contain_text("1 reading for “w-3005”")
    room.press("Enter")
    expect(room.page.get_by_role("heading", name="W-3005", exact=True)).to_be_visible()
    room.press("Escape")
    expect(room.page.get_by_role("main")).to_contain_text("1 reading for “w-3005”")
    room.page.get_by_role("button", name="Back to the list").click()
    expect(room.page.get_by_role("searchbox")).to_have_value("")
    assert [url for url in room.asked if "3005" in url] == []


def test_the_cursor_stands_where_it_was_after_a_study(room: Room) -> None:
    for patient in ("W-3006", "W-3007"):
        volumes_study(room.system.store, patient, SEGMENTATION)
    room.open("W-3006")
    room.press("Escape")
    expect(room.row("W-3006").get_by_role("link")).to_be_focused()
    expect(room.row("W-3006")).to_have_class(re.compile("chosen"))


def to_the_end(room: Room) -> None:
    """Go to the last of MANY readings; each press asks for another page of them."""
    reached = f"() => document.querySelector('tr.chosen')?.getAttribute('aria-rowindex') === '{MANY + 1}'"
    expect(room.page.get_by_role("row").nth(5)).to_be_visible()
    for _ in range(20 * MANY // 500):
        room.press("End")
        room.page.wait_for_timeout(100)
        if room.page.evaluate(reached):
            return
    raise AssertionError("the end of the list was not reached")


@pytest.mark.slow
def test_ten_thousand_rows_are_scrolled_through_and_come_back_to(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running(tmp_path_factory.mktemp("long-list")) as system, chromium.new_context(viewport=WINDOW) as context:  # type: ignore[arg-type]
        fill(system.store, MANY)
        room = Room(context.new_page(), system)
        room.go("/")
        room.log_in(system.user, system.password)
        to_the_end(room)
        assert room.page.get_by_role("row").count() < 100
        room.press("k", "k")
        patient = room.page.locator("tr.chosen").get_by_role("link").inner_text()
        room.press("Enter")
        expect(room.page.get_by_role("heading", name=patient, exact=True)).to_be_visible()
        room.press("Escape")
        expect(room.page.locator("tr.chosen").get_by_role("link")).to_have_text(patient)
        expect(room.page.locator("tr.chosen").get_by_role("link")).to_be_focused()
