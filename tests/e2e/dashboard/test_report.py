"""The report's page: reached by a key, it shows what PDF and SR say, and goes back to the study."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from services.cli.samples import RETINA
from tests.e2e.conftest import Running
from tests.e2e.dashboard.room import JOB_SECONDS, Room
from tests.services.pages import squeezed, words_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def study_id(system: Running) -> str:
    """A photograph that the model has read and nobody signed."""
    file = ("files", ("left.jpg", RETINA.read_bytes(), "image/jpeg"))
    answer = system.client.post("/studies", params={"patient_id": "P-4001", "laterality": "L"}, files=[file])
    study = answer.json()["studies"][0]
    assert system.ended(study["jobs"][0], JOB_SECONDS)["state"] == "succeeded"
    return str(study["id"])


def test_the_screen_says_what_the_pdf_says(room: Room, study_id: str) -> None:
    room.open("P-4001")
    room.press("R")
    sheet = room.page.get_by_role("article")
    expect(sheet).to_contain_text("DRAFT - not signed")
    expect(sheet.locator("img")).not_to_have_js_property("naturalWidth", 0)
    room.keep("report")
    link = room.page.get_by_role("link", name=re.compile("PDF"))
    with room.page.expect_download() as saved:
        link.press("Enter")
    assert squeezed(sheet.text_content() or "") == squeezed(words_of(saved.value.path().read_bytes()))
    room.press("Escape")
    expect(room.page).to_have_url(re.compile(f"/studies/{study_id}$"))
