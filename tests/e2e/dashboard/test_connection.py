"""A slow line, one that breaks, and a session that ends: what was written stays, and is kept once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from services.api.result_examples import SEGMENTATION
from tests.e2e.conftest import PASSWORD
from tests.e2e.dashboard.heads import head_files
from tests.e2e.dashboard.room import Room, colleague, reviews_of
from tests.e2e.dashboard.written import volumes_study

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: A line as over a telephone: 400 kbit/s, 400 ms there and back.
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
#: By then an event has its number, so that a stream that begins later does not tell it.
NUMBERED_MS = 2000
#: Notes what the button that signs said until the history has another entry.
WATCH = """() => {
    window.said = [];
    const look = () => {
        const button = document.querySelector('[data-sign]');
        if (button?.disabled && button.ariaBusy === 'true') window.said.push(button.textContent);
        requestAnimationFrame(look);
    };
    look();
}"""


@contextmanager
def breaking(page: Page, pattern: str) -> Iterator[None]:
    """Requests arrive, and no answer comes back."""

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(pattern, lose)
    yield
    page.unroute(pattern)


def end_session(room: Room) -> None:
    """The browser is logged in no longer, and does not know it yet."""
    room.page.context.clear_cookies()


def come_back(room: Room, name: str, password: str) -> None:
    """Log in again over the page."""
    expect(room.page.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    room.log_in(name, password)
    expect(room.page.get_by_role("dialog")).to_have_count(0)


def forgive(room: Room) -> None:
    """The browser complains of what these journeys do to it."""
    room.faults[:] = [one for one in room.faults if "ERR_FAILED" not in one and "401" not in one]


def test_the_rows_are_asked_for_before_the_program_has_come(room: Room) -> None:
    page, held, asked = room.page, list[Route](), list[str]()
    page.route("**/assets/program-*.js", lambda route: held.append(route))
    page.on("request", lambda one: asked.append(one.url) if "/api/v1/" in one.url else None)
    with page.expect_request("**/api/v1/studies?limit=*"), page.expect_request("**/api/v1/me"):
        page.goto(f"{room.system.url}/", wait_until="commit")
    assert len(held) == 1
    assert len(asked) == 2
    held[0].continue_()
    expect(page.get_by_role("group", name="Filters")).to_be_visible()
    assert [url.endswith("/me") for url in asked].count(True) == 1


def test_what_comes_between_the_first_rows_and_the_live_line_is_shown(room: Room) -> None:
    held: list[Route] = []
    room.page.route("**/api/v1/events", lambda route: held.append(route))
    with room.page.expect_response("**/api/v1/studies?*"):
        room.page.reload()
    volumes_study(room.system.store, "V-8101", SEGMENTATION)
    room.page.wait_for_timeout(NUMBERED_MS)
    expect(room.row("V-8101")).to_have_count(0)
    for route in held:
        route.continue_()
    expect(room.row("V-8101")).to_have_count(1)


def test_on_a_slow_line_signing_says_that_it_is_sending_and_sends_once(room: Room) -> None:
    written = volumes_study(room.system.store, "C-5001", SEGMENTATION)
    room.open("C-5001")
    page = room.page
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if one.url.endswith("/reviews") else None)
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", SLOW)
    room.press("a")
    page.evaluate(WATCH)
    room.press("Control+Enter", "Control+Enter", "?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()  # the page answers meanwhile
    room.press("Escape")
    expect(page.get_by_role("region", name="History")).to_contain_text("Signed · Accepted")
    assert page.evaluate("window.said.length > 0 && window.said.every(one => one.startsWith('Sending…'))")
    assert len(sent) == 1
    assert [review["action"] for review in reviews_of(room.system, written.study_id)] == ["sign"]


@pytest.mark.slow
def test_an_outline_outlives_a_broken_line_and_a_session_and_is_saved_once(room: Room) -> None:
    written = volumes_study(room.system.store, "C-5002", SEGMENTATION, head_files())
    room.open("C-5002")
    page = room.page
    viewer = page.get_by_role("region", name="Volume with the model's outlines")
    expect(viewer).to_have_attribute("data-drawn", "true")
    room.press("d", " ")
    end_session(room)
    room.press("Control+s")
    come_back(room, room.system.user, room.system.password)
    save = page.get_by_role("button", name="Save the outline")
    expect(save).to_be_enabled()
    with breaking(page, "**/masks*"):
        save.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("It is not certain that the outline was saved")
    save.press("Enter")
    expect(page.get_by_text("Outline 1 is saved beside the model's")).to_be_visible()
    masks = room.system.client.get(f"/results/{written.results['segmentation']}/masks").json()["items"]
    assert [mask["number"] for mask in masks] == [1]
    forgive(room)


def test_a_blind_word_outlives_a_broken_line_and_a_session_and_is_said_once(stranger: Room) -> None:
    room, page = stranger, stranger.page
    volumes_study(room.system.store, "C-5003", SEGMENTATION)
    with closing(colleague(room.system, "blind abroad")) as reader:
        reader.patch("/me", json={"blind_first": True}).raise_for_status()
        enter(room, reader)
    room.go("/")
    room.open("C-5003")
    comment = page.get_by_role("form", name="What do you see?").get_by_label("Comment")
    comment.focus()
    page.keyboard.type("Much movement.")
    end_session(room)
    room.press("Control+Enter")
    come_back(room, "blind abroad", PASSWORD)
    expect(comment).to_have_value("Much movement.")
    with breaking(page, "**/blind-read"):
        comment.press("Control+Enter")
        expect(page.get_by_role("alert")).to_contain_text("It is not certain that your word was saved")
        expect(comment).to_have_value("Much movement.")
    comment.press("Control+Enter")
    expect(page.get_by_role("table", name="You said · the model says")).to_be_visible()
    room.faults[:] = [one for one in room.faults if "409" not in one]
    forgive(room)


def test_another_person_who_logs_in_over_a_page_goes_on_with_nothing_of_the_first(room: Room) -> None:
    volumes_study(room.system.store, "C-5004", SEGMENTATION)
    colleague(room.system, "relief").close()
    room.open("C-5004")
    page = room.page
    room.press("a", "m")
    page.keyboard.type("Mine alone.")
    end_session(room)
    room.press("Control+Enter")
    come_back(room, "relief", PASSWORD)
    expect(page.get_by_role("button", name="relief clinician")).to_be_visible()
    verdict = page.get_by_role("group", name="Your verdict")
    expect(verdict).to_be_visible()  # the page begins anew, and has no keys before it is there
    expect(verdict.locator("[aria-pressed=true]")).to_have_count(0)
    room.press("a", "m")
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("")
    forgive(room)


def test_logging_out_leaves_nothing_of_the_patient_on_the_screen(stranger: Room) -> None:
    room, page = stranger, stranger.page
    volumes_study(room.system.store, "C-5005", SEGMENTATION, head_files())
    with closing(colleague(room.system, "leaver")) as client:
        enter(room, client)
    room.go("/")
    room.open("C-5005")
    viewer = page.get_by_role("region", name="Volume with the model's outlines")
    expect(viewer).to_have_attribute("data-drawn", "true")
    # A browser that asks whether to stay is told to.
    page.on("dialog", lambda question: question.dismiss())
    room.press("d", " ")
    expect(page.get_by_role("button", name="Save the outline")).to_be_enabled()
    room.press("a", "m")
    page.keyboard.type("Nobody else's business.")
    page.get_by_role("button", name="leaver clinician").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Overread")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("C-5005")).to_have_count(0)
    expect(page).to_have_url(f"{room.system.url}/")
    assert page.evaluate("Object.keys(sessionStorage).filter((place) => place.includes('unsaved'))") == []


def enter(room: Room, client: httpx.Client) -> None:
    """The browser holds the session of a reader who logged in elsewhere."""
    cookies = [{"name": name, "value": value, "url": room.system.url} for name, value in client.cookies.items()]
    room.page.context.add_cookies(cookies)  # type: ignore[arg-type]
