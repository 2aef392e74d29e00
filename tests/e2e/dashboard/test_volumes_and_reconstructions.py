"""Volumes, reconstructions and added models in a real browser: what is shown of them, and a reader's word on them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from services.api.result_examples import ADDED_BUNDLE, RECONSTRUCTION, SEGMENTATION
from tests.e2e.dashboard.room import Room, reviews_of
from tests.e2e.dashboard.written import raw_data_study, volumes_study

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

DOUBTFUL = SEGMENTATION | {"abstained": True, "abstain_reason": "low_predicted_quality", "urgency": "check"}


def reading(room: Room) -> Locator:
    """The machine's reading of the study that is open."""
    return room.page.get_by_role("region", name="The machine's reading")


def test_volumes_are_shown_by_side_with_intervals_and_quality(room: Room) -> None:
    volumes_study(room.system.store, "V-2001", SEGMENTATION)
    expect(room.row("V-2001")).to_contain_text("Hippocampus volumes")
    room.open("V-2001")
    table = room.page.get_by_role("table", name="Volumes by side")
    expect(table.get_by_role("columnheader")).to_have_text(["Structure", "Right", "Left"])
    expect(table.get_by_role("row").filter(has_text="Anterior")).to_contain_text("1.621.49–1.741.521.40–1.63")
    said = reading(room)
    expect(said).to_contain_text(re.compile("7.6.% right larger"))
    expect(said).to_contain_text("Series 1 not read")
    expect(said).to_contain_text("The series is T2 weighted")
    expect(said).to_contain_text("0.88")
    expect(said).to_contain_text("limit 0.80")
    preview = room.page.get_by_role("img", name=re.compile("outlines"))
    expect(preview).not_to_have_js_property("naturalWidth", 0)
    expect(room.page.get_by_role("link", name="Outlines (DICOM SEG)")).to_be_visible()


def test_volumes_that_cannot_be_trusted_are_not_offered_as_an_answer(room: Room) -> None:
    volumes_study(room.system.store, "V-2002", DOUBTFUL)
    expect(room.row("V-2002")).to_contain_text("Model abstained")
    room.open("V-2002")
    expect(room.page.get_by_role("status").filter(has_text="The model abstained")).to_contain_text(
        "Do not use these volumes"
    )


def test_volumes_are_corrected_by_keyboard_and_the_total_follows(room: Room) -> None:
    written = volumes_study(room.system.store, "V-2003", SEGMENTATION)
    room.open("V-2003")
    page = room.page
    room.press("e")
    anterior = page.get_by_role("textbox", name="Right: Anterior part")
    expect(anterior).to_be_focused()
    expect(anterior).to_have_value("1.62")
    expect(page.get_by_role("button", name=re.compile("^Sign"))).to_be_disabled()
    anterior.fill("1.5")
    page.get_by_label("Reason").select_option("outline_wrong")
    room.press("Control+Enter")
    history = page.get_by_role("region", name="History")
    expect(history).to_contain_text(re.compile("Right: Anterior part 1.50.ml"))
    (review,) = reviews_of(room.system, written.study_id)
    findings = review["findings"]
    assert isinstance(findings, list)
    right = {one["label"]: one["value"] for one in findings if one["laterality"] == "R"}
    assert right == {"anterior": 1.5, "posterior": 1.4011, "hippocampus": 2.9011}


def test_a_reconstruction_says_what_was_inferred_and_leads_to_its_series(room: Room) -> None:
    raw_data_study(room.system.store, "V-2004", RECONSTRUCTION, SEGMENTATION)
    expect(room.row("V-2004")).to_have_count(2)
    room.go("/")
    room.row("V-2004").filter(has_text="MRI reconstruction").get_by_role("link").click()
    page = room.page
    said = reading(room)
    expect(said).to_contain_text("Inferred, not measured")
    expect(said).to_contain_text(re.compile("4×: about 25.% of the lines were measured"))
    expect(said).to_contain_text("has no class whose evidence could be located")
    expect(page.get_by_role("img", name="Zero-filled")).to_be_visible()
    room.press("s")
    panel = page.get_by_role("img", name=re.compile("^Zero-filled image"))
    expect(panel).not_to_have_js_property("naturalWidth", 0)
    expect(page.get_by_text("2 of 2 · slice 80")).to_be_visible()
    expect(page.get_by_text("1 marked area")).to_be_visible()
    room.press("k")
    expect(page.get_by_text("1 of 2 · slice 40")).to_be_visible()
    expect(page.get_by_role("button", name="Edit")).to_be_disabled()
    said.get_by_role("button", name="Look at its images").click()
    slices = page.get_by_role("img", name="MR image")
    expect(slices).not_to_have_js_property("naturalWidth", 0)
    expect(page.get_by_text("3 of 5")).to_be_visible()


def test_two_readings_of_a_study_are_signed_one_after_the_other(room: Room) -> None:
    written = raw_data_study(room.system.store, "V-2005", RECONSTRUCTION, SEGMENTATION)
    room.open("V-2005")
    page = room.page
    room.press("t")
    expect(reading(room)).to_contain_text("Measured on a reconstructed series")
    room.press("t", "a", "Control+Enter")
    expect(page.get_by_role("region", name="History")).to_contain_text("Signed · Accepted")
    page.get_by_role("button", name=re.compile("^Next: Hippocampus volumes")).click()
    expect(page.get_by_role("region", name="History")).to_contain_text("Nobody has signed this reading yet")
    room.press("x")
    page.get_by_label("Reason").select_option("not_measurable")
    room.press("Control+Enter")
    readings = page.get_by_role("navigation", name="Readings of this study")
    expect(readings.get_by_role("button")).to_have_text([re.compile("Accepted"), re.compile("Rejected")])
    verdicts = {review["result_id"]: review["verdict"] for review in reviews_of(room.system, written.study_id)}
    assert verdicts == {written.results["reconstruction"]: "accept", written.results["segmentation"]: "reject"}


def test_a_model_that_somebody_added_is_shown_with_its_findings(room: Room) -> None:
    volumes_study(room.system.store, "V-2006", ADDED_BUNDLE)
    expect(room.row("V-2006")).to_contain_text("spleen_ct_segmentation")
    room.open("V-2006")
    expect(room.page.get_by_role("table", name="Findings")).to_contain_text(re.compile("Spleen212.40.ml"))


def test_the_worklist_is_filtered_by_what_was_asked(room: Room) -> None:
    raw_data_study(room.system.store, "V-2007", RECONSTRUCTION, SEGMENTATION)
    expect(room.row("V-2007")).to_have_count(2)
    room.page.get_by_label("Question").select_option(label="MRI reconstruction")
    expect(room.row("V-2007")).to_have_count(1)
