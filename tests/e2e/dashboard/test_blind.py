"""Reading before the machine is shown, by keyboard: the switch, the word, both answers side by side, the figures."""

from __future__ import annotations

import re
from contextlib import closing
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.dashboard.room import JOB_SECONDS, Room, colleague

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def photograph() -> bytes:
    """The real photograph of an eye."""
    import skimage.data

    made = BytesIO()
    Image.fromarray(skimage.data.retina()).save(made, "JPEG", quality=90)  # no other test sends the same bytes
    return made.getvalue()


@pytest.fixture
def patient(stranger: Room) -> str:
    """The id of a patient whose left eye the model has read."""
    client = stranger.system.client
    answer = client.post(
        "/studies",
        params={"patient_id": "P-BLIND", "laterality": "L"},
        files=[("files", ("left.jpg", photograph(), "image/jpeg"))],
    )
    assert answer.status_code == 202, answer.text
    job = answer.json()["studies"][0]["jobs"][0]
    assert stranger.system.ended(job, JOB_SECONDS)["state"] == "succeeded"
    return "P-BLIND"


def test_a_reader_says_what_they_see_and_then_sees_what_the_machine_says(stranger: Room, patient: str) -> None:
    room, page = stranger, stranger.page
    with closing(colleague(room.system, "blind reader")) as reader:
        cookies = [{"name": name, "value": value, "url": room.system.url} for name, value in reader.cookies.items()]
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        room.go("/account")
        room.reach(page.get_by_label("Read before the machine's answer is shown"))
        room.press("Space")
        expect(page.get_by_role("heading", name="Blind-first reading is on")).to_be_visible()
        room.go("/")
        room.open(patient)
        form = page.get_by_role("form", name="What do you see?")
        expect(form).to_be_visible()
        expect(page.get_by_text(re.compile("referable", re.IGNORECASE))).to_have_count(0)
        expect(page.get_by_role("img", name=re.compile("Heat-map"))).to_have_count(0)
        room.keep("blind")
        room.press("e")
        expect(form.get_by_role("radio").first).to_be_focused()
        room.press("ArrowRight", "Control+Enter")
        told = page.get_by_role("table", name="You said · the model says")
        expect(told.get_by_role("row")).to_have_count(2)
        room.keep("blind-told")
        room.press("a")
        expect(page.get_by_role("button", name=re.compile("^Sign"))).to_be_focused()
        room.press("Control+Enter")
        expect(page.get_by_role("region", name="History")).to_contain_text("Signed · Accepted")
        room.go("/account")
        expect(page.get_by_role("table", name="Retinopathy").get_by_role("row")).to_have_count(6)
        page.get_by_role("heading", name="You and the machine").evaluate("node => node.scrollIntoView()")
        room.keep("agreement")
