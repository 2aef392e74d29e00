"""Photographs beside earlier ones and beside references, and reconstructions beside what was measured, by keyboard."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
import skimage.data
from PIL import Image, ImageEnhance
from playwright.sync_api import Locator, expect

from services.api.result_examples import RECONSTRUCTION, SEGMENTATION
from tests.e2e.conftest import Running
from tests.e2e.dashboard.room import JOB_SECONDS, Room, colleague, reviews_of
from tests.e2e.dashboard.written import FLAGGED_SLICE, SLICES, raw_data_study

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def photograph(system: Running, folder: Path, patient_id: str, colour: float) -> str:
    """A patient's left eye, read by the model; other colours make it another picture. The study's id."""
    path = folder / f"{patient_id}-{colour}.jpg"
    ImageEnhance.Color(Image.fromarray(skimage.data.retina())).enhance(colour).save(path, quality=92)
    study = system.submit(path, patient_id)["studies"][0]
    assert system.ended(study["jobs"][0], JOB_SECONDS)["state"] == "succeeded"
    return str(study["id"])


def accept(system: Running, study_id: str, reader: str) -> int:
    """Somebody accepts the study's reading; the left eye's grade."""
    (result,) = system.client.get(f"/studies/{study_id}").json()["results"]
    with closing(colleague(system, reader)) as client:
        word = {"action": "sign", "verdict": "accept"}
        assert client.post(f"/results/{result['id']}/reviews", json=word).status_code == 201
    grades = [one["value"] for one in result["findings"] if (one["label"], one["laterality"]) == ("dr_grade", "L")]
    return int(grades[0])


def test_an_eye_is_read_beside_an_earlier_visit_and_beside_references(room: Room, tmp_path: Path) -> None:
    system, page = room.system, room.page
    accept(system, photograph(system, tmp_path, "F-3001", 0.6), "visitor")
    grade = accept(system, photograph(system, tmp_path, "F-3002", 0.7), "referee")
    today = photograph(system, tmp_path, "F-3001", 0.8)
    room.go(f"/studies/{today}")
    heat_map = page.get_by_role("img", name=re.compile("^Heat-map"))
    expect(heat_map).to_have_count(1)
    expect(page.get_by_role("region", name="The machine's reading")).to_contain_text(
        re.compile(rf"{grade} \(signed\) → now {grade} \(machine\)")
    )
    room.press("}", "}", "}")
    expect(page.get_by_label("Threshold")).to_have_value("0.3")
    expect(heat_map).to_have_css("filter", re.compile("heat-from"))
    room.press("v")
    expect(page.get_by_role("figure")).to_contain_text([f"signed grade {grade}", "This visit"])
    shown = page.get_by_role("img", name="Fundus photograph, left eye")
    expect(shown).to_have_count(2)
    expect(heat_map).to_have_count(2)
    for place in range(2):
        expect(shown.nth(place)).not_to_have_js_property("naturalWidth", 0)
        expect(heat_map.nth(place)).not_to_have_js_property("naturalWidth", 0)
    room.press("+", "+")
    expect(page.locator(".layer").first).to_have_css("transform", re.compile(r"matrix\(1\.5625"))
    assert len(set(page.locator(".layer").evaluate_all("layers => layers.map(one => one.style.transform)"))) == 1
    room.keep("visits")
    room.press("g")
    references = page.get_by_role("complementary", name="Grades")
    expect(references.get_by_role("img", name=re.compile(f"^Drawing .* grade {grade}$"))).to_be_visible()
    confirmed = references.get_by_role("img", name=re.compile(f"^Photograph 1 of grade {grade}"))
    confirmed.scroll_into_view_if_needed()
    expect(confirmed).not_to_have_js_property("naturalWidth", 0)
    references.get_by_role("button", name="3").press("Enter")
    expect(references).to_contain_text("more than 20 intraretinal haemorrhages")
    room.keep("references")
    room.press("g", "a", "Control+Enter")
    expect(references).to_have_count(0)
    expect(page.get_by_role("region", name="History")).to_contain_text("Signed · Accepted")


def drawn(canvas: Locator) -> int:
    """The brightest red, green or blue that is drawn."""
    brightest: int = canvas.evaluate(
        """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
            .reduce((most, value, place) => place % 4 === 3 ? most : Math.max(most, value), 0)"""
    )
    return brightest


def test_a_reconstruction_is_wiped_over_what_was_measured(room: Room) -> None:
    written = raw_data_study(room.system.store, "F-3003", RECONSTRUCTION, SEGMENTATION)
    page = room.page
    room.go(f"/studies/{written.study_id}")
    expect(page.get_by_text(f"{FLAGGED_SLICE} of {SLICES}")).to_be_visible()
    expect(page.get_by_text("1 marked area here")).to_be_visible()
    expect(page.get_by_text(f"Marked areas in slice {FLAGGED_SLICE}")).to_be_visible()
    for name in ("Zero-filled", "Reconstruction"):
        assert drawn(page.get_by_role("img", name=name, exact=True)) > 200
    outline = page.locator(".flags path")
    expect(outline).to_have_attribute("d", re.compile("^M90 60h1"))
    room.press("h")
    expect(outline).to_have_count(0)
    right = page.get_by_role("img", name="Reconstruction", exact=True)
    room.press(",", ",")
    expect(right).to_have_css("clip-path", re.compile(r"inset\(0(px)? 0(px)? 0(px)? 40%\)"))
    expect(page.get_by_role("slider", name="Wipe")).to_have_attribute("aria-valuetext", re.compile("Zero-filled on 40"))
    room.press("v")
    expect(page.get_by_role("img", name="Uncertainty")).to_be_visible()
    expect(page.get_by_text("How unsure the values are")).to_be_visible()
    room.press("j")
    expect(page.get_by_text("No marked area here")).to_be_visible()
    room.press("a", "Control+Enter")
    expect(page.get_by_role("region", name="History")).to_contain_text("Signed · Accepted")
    assert [review["verdict"] for review in reviews_of(room.system, written.study_id)] == ["accept"]
