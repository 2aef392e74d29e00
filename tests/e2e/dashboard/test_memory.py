"""A reader's day in one page: what the page holds does not grow with the studies that were looked at."""

from __future__ import annotations

import io
from typing import Final

import pytest
import skimage.data
from PIL import Image
from playwright.sync_api import CDPSession, expect

from tests.e2e.conftest import Running
from tests.e2e.dashboard.room import JOB_SECONDS, Room

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

PATIENTS: Final = ("P-9101", "P-9102", "P-9103")
#: The first rounds fill caches that are bounded.
SETTLED, ROUNDS = 5, 20
#: Growth that the engine's own tables explain.
MOST_GROWTH: Final = 1.15
#: What is left behind of one study would be several hundred nodes.
MOST_NODES: Final = 1.1


def test_the_page_holds_no_more_after_forty_studies_than_after_ten(room: Room, system: Running) -> None:
    for patient in PATIENTS:
        _send(system, patient)
    room.page.evaluate("""sessionStorage.setItem("overread.filters", '{"pipeline": "retinopathy"}')""")
    room.go("/")
    room.open(PATIENTS[1])
    devtools = room.page.context.new_cdp_session(room.page)
    devtools.send("Performance.enable")
    _there_and_back(room, SETTLED)
    settled = _held(devtools)
    _there_and_back(room, ROUNDS - SETTLED)
    held = _held(devtools)
    assert held["Nodes"] <= MOST_NODES * settled["Nodes"]
    assert held["JSEventListeners"] <= MOST_NODES * settled["JSEventListeners"]
    assert held["JSHeapUsedSize"] <= MOST_GROWTH * settled["JSHeapUsedSize"]


def _send(system: Running, patient: str) -> None:
    body = io.BytesIO()
    Image.fromarray(skimage.data.retina()).save(body, "JPEG")
    said = {"patient_id": patient, "laterality": "L"}
    answer = system.client.post("/studies", data=said, files=[("files", ("eye.jpg", body.getvalue(), "image/jpeg"))])
    assert answer.status_code == 202, answer.text
    assert system.ended(answer.json()["studies"][0]["jobs"][0], JOB_SECONDS)["state"] == "succeeded"


def _there_and_back(room: Room, times: int) -> None:
    title = room.page.get_by_role("heading", level=1)
    for _ in range(times):
        here = title.inner_text()
        for key in ("n", "p"):
            before = title.inner_text()
            room.press(key)
            expect(title).not_to_have_text(before)
            expect(room.page.locator("img.photo").first).not_to_have_js_property("naturalWidth", 0)
        expect(title).to_have_text(here)


def _held(devtools: CDPSession) -> dict[str, float]:
    """What the page holds once nothing is left that could be given back."""
    devtools.send("HeapProfiler.collectGarbage")
    return {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
