"""Readings overnight and models in a real browser: who changes, gone through by keys; a model's weeks and decisions."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from playwright.sync_api import expect

from services.store.session import unit_of_work
from services.store.tables import Batch
from tests.e2e.dashboard.nights import Night
from tests.e2e.dashboard.room import Room, colleague

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_who_changes_is_gone_through_by_keyboard_alone(room: Room, night: Night) -> None:
    page = room.page
    room.go("/batches")
    batch = page.get_by_role("link", name="Night of the journey")
    expect(page.get_by_role("row").filter(has=batch)).to_contain_text("Finished")
    batch.focus()
    room.press("Enter")
    expect(page.get_by_text("2 studies with another answer")).to_be_visible()
    expect(page.get_by_text("N-3002")).to_be_visible()
    old, new = (page.get_by_role("region", name=name) for name in ("Earlier answer", "New answer"))
    anterior = re.compile("Anterior.*Right")
    expect(old.get_by_role("row").filter(has_text=anterior).first).to_contain_text("1.62")
    expect(new.get_by_role("row").filter(has_text=anterior).first).to_contain_text("3.2")
    for side in (old, new):
        expect(side.get_by_role("img").first).not_to_have_js_property("naturalWidth", 0)
    room.keep("overnight")
    room.press("d")
    expect(page.get_by_text("N-3001")).to_be_visible()
    expect(page.get_by_text("1 of 2 looked at")).to_be_visible()
    room.press("u")
    expect(page.get_by_text("0 of 2 looked at")).to_be_visible()
    room.press("A")
    expect(page.get_by_text("It is on your list now.")).to_be_visible()
    room.press("Enter")
    expect(page.get_by_role("heading", name="N-3001", exact=True)).to_be_visible()


@pytest.mark.slow
def test_what_a_colleague_looked_at_shows_at_once_and_leaves_the_list_of_the_rest(room: Room, night: Night) -> None:
    page = room.page
    with closing(colleague(room.system, "kim")) as kim:
        room.go(f"/batches/{night.id}")
        gravest, other = (page.get_by_role("listitem").filter(has_text=text) for text in ("+100", "+15"))
        expect(gravest).to_contain_text("Not seen")
        path = f"/batches/{night.id}/changes"
        change = kim.get(path).json()["items"][0]
        kim.post(f"{path}/{change['id']}/seen", json={"new_result_id": change["new"]["result_id"]}).raise_for_status()
        expect(gravest).to_contain_text("Seen by kim")
        expect(page.get_by_role("button", name="Mark as seen")).to_have_count(0)
        room.press("f")
        expect(gravest).to_have_count(0)
        expect(page.get_by_text("N-3001")).to_be_visible()
        room.press("d")
        expect(page.get_by_text("Every change has been looked at")).to_be_visible()
        room.press("u")
        expect(other).to_contain_text("Not seen")
        kim.delete(f"{path}/{change['id']}/seen").raise_for_status()


def test_a_batch_is_previewed_and_a_refusal_starts_nothing(room: Room, night: Night) -> None:
    page = room.page
    room.go("/batches/new")
    page.get_by_label("Name").fill("Too small")
    page.get_by_label("Question").select_option(label="Hippocampus volumes")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="What it would take")).to_be_visible()
    page.get_by_label("Time zone").fill("Nowhere/Land")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was started")
    with unit_of_work(room.system.store.database, writing=False) as session:
        assert session.query(Batch).filter_by(name="Too small").count() == 0
    room.faults.clear()  # the browser logs that the server refused


def test_a_model_that_is_given_darker_images_says_so_with_its_figures_as_a_table(room: Room, watched: str) -> None:
    page = room.page
    room.go(f"/models/{watched}")
    expect(page.get_by_role("status").filter(has_text="Drifting: Image quality")).to_be_visible()
    index = page.get_by_role("figure", name="Population stability index")
    expect(index.locator("canvas")).to_be_visible()
    page.get_by_role("heading", name="Drift of what").evaluate("heading => heading.scrollIntoView()")
    room.keep("model")
    summary = index.get_by_text("The figures as a table")
    summary.focus()
    room.press("Enter")
    weeks = index.get_by_role("table", name="Population stability index").get_by_role("row")
    expect(weeks).to_have_count(27)
    expect(page.get_by_role("row", name="Accuracy, five grades")).to_contain_text("0.73 (0.69–0.78)")


def test_a_decision_about_a_version_is_made_with_a_reason_that_stays(room: Room, watched: str) -> None:
    page = room.page
    room.go(f"/models/{watched}")
    version = page.get_by_role("table", name="Versions").get_by_role("row").filter(has_text="2.0.0")
    version.get_by_role("button", name="Read silently").focus()
    room.press("Enter")
    dialog = page.get_by_role("dialog", name="Let 2.0.0 read silently?")
    decide = dialog.get_by_role("button", name="Read silently")
    expect(decide).to_be_disabled()
    page.keyboard.type("A darker camera came")
    room.press("Tab", "Tab", "Enter")
    expect(dialog).to_have_count(0)
    expect(version).to_contain_text("Shadow")
    history = page.get_by_role("listitem").filter(has_text="A darker camera came")
    expect(history).to_contain_text("Shadow")
