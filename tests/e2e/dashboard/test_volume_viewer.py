"""A volume in a real browser: looked at, measured, its outline corrected and signed by keyboard alone, nothing lost."""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from services.api.result_examples import SEGMENTATION
from tests.e2e.dashboard.heads import head_files, voxels_of
from tests.e2e.dashboard.room import Room, reviews_of
from tests.e2e.dashboard.written import volumes_study

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: The crosshair is of the colour of straw; nothing else on the stage is: red stands this far above blue.
STRAW = 60
#: Half a line of it in the smallest plane here, which has a gap in its middle.
LEAST_LINE = 30
WITHOUT_WEBGL = """
const asked = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : asked.call(this, kind, ...rest);
};
"""


def viewer(room: Room) -> Locator:
    """The volume, once its outlines are drawn."""
    shown = room.page.get_by_role("region", name="Volume with the model's outlines")
    expect(shown).to_have_attribute("data-drawn", "true")
    return shown


def test_an_outline_is_corrected_saved_and_signed_by_keyboard(room: Room) -> None:
    written = volumes_study(room.system.store, "V-3001", SEGMENTATION, head_files())
    room.open("V-3001")
    shown, page = viewer(room), room.page
    expect(shown).to_contain_text(re.compile(r"L 2\d\.\d P 2\d\.\d I 1\d\.\d mm"))
    room.press("l", "ArrowUp", "ArrowUp", "l")
    expect(shown.get_by_role("list", name="Measured lengths")).to_have_text("1. 4.0 mm, coronal")
    room.keep("volume-viewer")
    room.press("d", ".", " ")
    left = shown.get_by_role("row", name=re.compile("Left hippocampus, anterior"))
    expect(left).to_contain_text("was")
    room.press("z")
    expect(left).not_to_contain_text("was")
    room.press("Z", "Control+s")
    expect(page.get_by_text(re.compile("Outline 1 is saved beside the model's"))).to_be_visible()
    right = page.get_by_role("textbox", name="Right: Anterior part")
    expect(right).to_have_value("1.62")
    room.reach(page.get_by_label("Reason"))
    room.press("ArrowDown", "ArrowDown", "ArrowDown")
    expect(page.get_by_label("Reason")).to_have_value("outline_wrong")
    room.press("Control+Enter")
    expect(page.get_by_text(re.compile("^Signed")).first).to_be_visible()
    (review,) = reviews_of(room.system, written.study_id)
    (mask,) = room.system.client.get(f"/results/{written.results['segmentation']}/masks").json()["items"]
    assert (review["verdict"], review["mask_id"]) == ("edit", mask["id"])
    drawn = {(one["label"], one["laterality"]): one["voxels"] for one in mask["volumes"]}
    findings = review["findings"]
    assert isinstance(findings, list)
    said = {(one["label"], one["laterality"]): one["value"] for one in findings}
    machine = {(one["label"], one["laterality"]): one["value"] for one in SEGMENTATION["findings"]}
    grown = drawn["anterior", "L"] / voxels_of("anterior", "L")
    assert grown > 1
    assert said["anterior", "L"] == pytest.approx(machine["anterior", "L"] * grown, abs=0.005)
    assert said["anterior", "L"] == round(said["anterior", "L"], 2)  # as the machine's volumes are shown
    assert said["anterior", "R"] == 1.6234


@pytest.mark.slow
def test_the_crosshair_has_both_its_lines_in_every_plane_of_a_small_window(room: Room) -> None:
    volumes_study(room.system.store, "V-3004", SEGMENTATION, head_files())
    room.page.set_viewport_size({"width": 360, "height": 800})
    room.open("V-3004")
    viewer(room)
    room.press("h")  # outlines have colours of their own
    stage = room.page.locator(".volume-stage").screenshot()
    red, _, blue = np.moveaxis(np.asarray(Image.open(BytesIO(stage)).convert("RGB")).astype(int), 2, 0)
    for plane in np.array_split(red - blue > STRAW, 3, axis=1):
        assert plane.sum(axis=0).max() > LEAST_LINE
        assert plane.sum(axis=1).max() > LEAST_LINE


def test_strokes_that_were_not_saved_are_there_when_one_comes_back(room: Room) -> None:
    volumes_study(room.system.store, "V-3002", SEGMENTATION, head_files())
    room.open("V-3002")
    viewer(room)
    room.press("d", " ")
    expect(room.page.get_by_role("button", name="Save the outline")).to_be_enabled()
    room.press("Escape")
    room.open("V-3002")
    expect(viewer(room)).to_contain_text("Strokes that were not saved")
    room.page.get_by_role("button", name="Discard the strokes").click()
    expect(viewer(room)).not_to_contain_text("Strokes that were not saved")


def test_without_webgl_the_pictures_of_the_result_are_shown_and_it_says_why(room: Room) -> None:
    volumes_study(room.system.store, "V-3003", SEGMENTATION, head_files())
    room.page.add_init_script(WITHOUT_WEBGL)
    room.go("/")
    room.open("V-3003")
    expect(room.page.get_by_text("This browser cannot draw volumes")).to_be_visible()
    expect(room.page.get_by_role("img", name=re.compile("outlines"))).not_to_have_js_property("naturalWidth", 0)
