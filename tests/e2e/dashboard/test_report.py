"""The report's page: reached by a key, it shows what PDF and SR say, and goes back to the study."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from services.cli.samples import RETINA
from tests.e2e.conftest import Running
from tests.e2e.dashboard.room import JOB_SECONDS, Room, listed
from tests.services.pages import squeezed, words_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TABLET = {"width": 820, "height": 1180}


@pytest.fixture(scope="module")
def sent(system: Running) -> str:
    """A photograph that the model has read and nobody signed; the study's id."""
    file = ("files", ("left.jpg", RETINA.read_bytes(), "image/jpeg"))
    answer = system.client.post("/studies", params={"patient_id": "P-4001", "laterality": "L"}, files=[file])
    study = answer.json()["studies"][0]
    assert system.ended(study["jobs"][0], JOB_SECONDS)["state"] == "succeeded"
    return str(study["id"])


@pytest.fixture
def study_id(system: Running, sent: str) -> str:
    """The same, in the list."""
    return listed(system, sent)


def test_the_screen_says_what_the_pdf_says(room: Room, study_id: str) -> None:
    room.open("P-4001")
    room.press("R")
    sheet = room.page.get_by_role("article")
    expect(sheet).to_contain_text("DRAFT - not signed")
    expect(sheet.locator("img")).not_to_have_js_property("naturalWidth", 0)
    printed = "getComputedStyle(document.documentElement).getPropertyValue('--sheet-identity')"
    assert "Patient id P-4001" in room.page.evaluate(printed)
    room.keep("report")
    link = room.page.get_by_role("link", name=re.compile("PDF"))
    with room.page.expect_download() as saved:
        link.press("Enter")
    assert squeezed(sheet.text_content() or "") == squeezed(words_of(saved.value.path().read_bytes()))
    room.press("Escape")
    expect(room.page).to_have_url(re.compile(f"/studies/{study_id}$"))


def test_a_file_that_was_not_made_is_told_on_the_page(room: Room, study_id: str) -> None:
    told = "The process that writes report files ended before this one was done; nothing stored has changed, ask again."
    problem = {"status": 502, "code": "report_not_made", "detail": told}
    room.page.route("**/report.pdf*", lambda route: route.fulfill(status=502, json=problem))
    room.go(f"/studies/{study_id}/report")
    link = room.page.get_by_role("link", name=re.compile("PDF"))
    link.press("Enter")
    expect(room.page.get_by_role("alert")).to_have_text(told)
    room.faults[:] = [one for one in room.faults if "502" not in one]
    room.page.unroute("**/report.pdf*")
    with room.page.expect_download() as saved:
        link.press("Enter")
    assert saved.value.suggested_filename == f"overread-report-{study_id}.pdf"
    expect(room.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.slow
def test_the_page_fits_a_tablet(room: Room, study_id: str) -> None:
    room.page.set_viewport_size(TABLET)  # type: ignore[arg-type]
    room.go(f"/studies/{study_id}/report")
    expect(room.page.get_by_role("article")).to_be_visible()
    assert room.page.evaluate("document.documentElement.scrollWidth") <= TABLET["width"]


@pytest.mark.slow
def test_an_address_that_leads_nowhere_shows_the_way_back(room: Room) -> None:
    room.go("/operations/nowhere")
    room.page.get_by_role("link", name="Back to the worklist").press("Enter")
    expect(room.page.get_by_role("heading", name="Worklist")).to_be_visible()


@pytest.mark.slow
def test_a_page_that_cannot_be_shown_leaves_the_others_standing(room: Room) -> None:
    room.page.route("**/ModelsPage*.js", lambda route: route.abort())
    navigation = room.page.get_by_role("navigation", name="Pages")
    navigation.get_by_role("link", name="Models").press("Enter")
    expect(room.page.get_by_role("alert")).to_contain_text("This page stopped working")
    expect(room.page.get_by_role("button", name="Load the page again")).to_be_visible()
    navigation.get_by_role("link", name="Worklist").press("Enter")
    expect(room.page.get_by_role("heading", name="Worklist")).to_be_visible()
    room.faults.clear()  # the browser complained of the file that was held back
