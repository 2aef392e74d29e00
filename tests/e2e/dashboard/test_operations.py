"""Operations in a real browser, by keyboard: work held and let go, people and keys, and the audit of all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import PASSWORD, PATIENCE_SECONDS, Running
from tests.e2e.dashboard.room import Room

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def paused(system: Running) -> Iterator[None]:
    """Whatever a test pauses goes on after it."""
    yield
    system.client.post("/queues/retinopathy/resume").raise_for_status()


def open_part(room: Room, name: str) -> None:
    """Open one of the operations pages from the list of them."""
    room.reach(room.page.get_by_role("navigation", name="Operations").get_by_role("link", name=name))
    room.press("Enter")
    expect(room.page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_work_that_is_held_up_is_seen_and_let_go_by_keyboard(room: Room, retina_photo: Path, paused: None) -> None:
    page = room.page
    room.go("/operations")
    expect(page.get_by_text("1 there, 0 at work")).to_be_visible()
    open_part(room, "Queues and workers")
    room.reach(page.get_by_role("button", name="Pause retinopathy"))
    room.press("Enter")
    expect(page.get_by_role("row", name=re.compile("^retinopathy"))).to_contain_text("Paused")
    job_id = room.system.submit(retina_photo, "P-held")["studies"][0]["jobs"][0]
    room.go("/operations")
    expect(page.get_by_text("Paused: retinopathy")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^retinopathy")).get_by_role("cell").first).to_have_text("1")
    room.keep("operations")
    open_part(room, "Queues and workers")
    room.reach(page.get_by_role("button", name="Resume retinopathy"))
    room.press("Enter")
    assert room.system.ended(job_id)["state"] == "succeeded"


def test_a_user_is_let_in_sees_no_more_than_their_role_and_is_locked_out(room: Room) -> None:
    page = room.page
    room.go("/operations/users")
    room.reach(page.get_by_label("User name"))
    page.keyboard.type("technician 7")
    room.reach(page.get_by_role("combobox", name="Role", exact=True))
    page.keyboard.type("Tech")
    room.reach(page.get_by_label("Password", exact=True))
    page.keyboard.type(PASSWORD)
    room.press("Enter")
    row = page.get_by_role("row", name=re.compile("technician 7"))
    expect(row).to_contain_text("May log in")
    usual = page.get_by_role("combobox", name="Role", exact=True)
    expect(usual).to_have_value("clinician")  # the next one does not get the role of the one before
    with httpx.Client(base_url=f"{room.system.url}/api/v1", timeout=PATIENCE_SECONDS) as client:
        assert client.post("/session", json={"name": "technician 7", "password": PASSWORD}).status_code == 201
        assert client.get("/operations/overview").status_code == 403
        role = row.get_by_role("combobox", name="Role of technician 7")
        room.reach(role)
        room.press("ArrowDown")  # chooses the next role in a closed list, and alone gives nobody a right
        expect(page.get_by_role("dialog")).to_contain_text("to Clinician?")
        room.press("Enter")
        expect(role).to_have_value("technician")
        assert client.get("/me").json()["role"] == "technician"
        expect(role).to_be_focused()
        room.press("ArrowDown", "Tab", "Enter")
        expect(role).to_have_value("clinician")
        expect(role).to_be_focused()
        room.reach(row.get_by_role("button", name="Lock out"))
        room.press("Enter", "Tab", "Enter")  # the way out has the focus, so that Enter alone locks nobody out
        expect(row).to_contain_text("Locked out")
        expect(row.get_by_role("button", name="Let in again technician 7")).to_be_focused()
        assert client.get("/jobs").status_code == 401


def test_a_key_is_shown_once_works_and_is_revoked_and_the_audit_tells(room: Room) -> None:
    page = room.page
    room.go("/operations/keys")
    room.reach(page.get_by_label("What for"))
    page.keyboard.type("camera room 7")
    room.press("Enter")
    secret = page.get_by_label("Key", exact=True)
    expect(secret).to_be_focused()
    key = secret.input_value()
    with httpx.Client(base_url=f"{room.system.url}/api/v1", headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.get("/jobs").status_code == 200
        room.reach(page.get_by_role("button", name="I have it"))
        room.press("Enter")
        expect(page.get_by_text(key)).to_have_count(0)
        row = page.get_by_role("row", name=re.compile("camera room 7"))
        room.reach(row.get_by_role("button", name="Revoke"))
        room.press("Enter", "Tab", "Enter")
        expect(row).to_contain_text("Revoked")
        assert client.get("/jobs").status_code == 401
    open_part(room, "Audit")
    room.reach(page.get_by_role("combobox", name="What", exact=True))
    page.keyboard.type("key.revoked")
    newest = page.get_by_role("table", name="Audit, newest first").get_by_role("row").nth(1)
    expect(newest).to_contain_text("key.revoked")
    expect(newest).to_contain_text(room.system.user)
    expect(newest).to_contain_text("No. ")  # sealed, within seconds
