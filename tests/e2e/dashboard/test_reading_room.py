"""The reading room in a real browser: from log-in to signature by keyboard, and what it says when things go wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from playwright.sync_api import expect

from tests.conftest import MakesDicom
from tests.e2e.conftest import Running
from tests.e2e.dashboard.room import JOB_SECONDS, Room, colleague, listed, reviews_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The real photograph as a left eye, its mirror image as a right one, and a copy too blurred to grade."""
    import skimage.data

    folder = tmp_path_factory.mktemp("pictures")
    left = Image.fromarray(skimage.data.retina())
    made = {"left": left, "right": ImageOps.mirror(left), "blurred": left.filter(ImageFilter.GaussianBlur(25))}
    for name, picture in made.items():
        picture.save(folder / f"{name}.jpg", quality=92)
    return {name: folder / f"{name}.jpg" for name in made}


@pytest.fixture(scope="module")
def read(system: Running, pictures: dict[str, Path]) -> Callable[..., str]:
    """Send photographs of a patient, wait until the model has read them, and return the study's id."""

    @cache
    def sent(patient_id: str, *names: str) -> str:
        sides = {"left": "L", "right": "R", "blurred": "R"}
        answer = system.client.post(
            "/studies",
            params={"patient_id": patient_id, "laterality": [sides[name] for name in names]},
            files=[("files", (f"{name}.jpg", pictures[name].read_bytes(), "image/jpeg")) for name in names],
        )
        assert answer.status_code == 202, answer.text
        study = answer.json()["studies"][0]
        assert system.ended(study["jobs"][0], JOB_SECONDS)["state"] == "succeeded"
        return str(study["id"])

    return lambda patient_id, *names: listed(system, sent(patient_id, *names))


def test_a_reader_signs_by_keyboard_alone(stranger: Room, read: Callable[..., str]) -> None:
    study_id = read("P-1001", "right", "left")
    page = stranger.page
    stranger.go("/")
    stranger.keep("login")
    stranger.log_in(stranger.system.user, stranger.system.password)
    stranger.open("P-1001")
    for kind in ("Fundus photograph", "Heat-map"):
        pictures = page.get_by_role("img", name=re.compile(kind))
        expect(pictures).to_have_count(2)
        for picture in pictures.all():
            expect(picture).not_to_have_js_property("naturalWidth", 0)
    stranger.keep("study")
    stranger.press("a")
    expect(page.get_by_role("button", name=re.compile("^Sign"))).to_be_focused()
    stranger.press("Control+Enter")
    history = page.get_by_role("region", name="History")
    expect(history).to_contain_text("Signed · Accepted")
    expect(history).to_contain_text(stranger.system.user)
    assert [(review["action"], review["verdict"]) for review in reviews_of(stranger.system, study_id)] == [
        ("sign", "accept")
    ]
    stranger.press("Escape")
    expect(stranger.row("P-1001")).to_contain_text("Accepted")


def test_the_heat_map_lies_on_the_photograph_point_for_point(room: Room, read: Callable[..., str]) -> None:
    read("P-1002", "left")
    room.open("P-1002")
    photograph = room.page.get_by_role("img", name=re.compile("^Fundus photograph"))
    heat_map = room.page.get_by_role("img", name=re.compile("^Heat-map"))
    room.press("+", "+", "ArrowLeft")
    expect(heat_map).not_to_have_js_property("naturalWidth", 0)
    boxes = [image.bounding_box() for image in (photograph, heat_map)]
    sizes = [image.evaluate("image => image.naturalWidth / image.naturalHeight") for image in (photograph, heat_map)]
    assert boxes[0] == pytest.approx(boxes[1])
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)


def test_the_picture_follows_its_keys(room: Room, read: Callable[..., str]) -> None:
    read("P-1002", "left")
    room.open("P-1002")
    page = room.page
    heat_map = page.get_by_role("img", name=re.compile("^Heat-map"))
    photograph = page.get_by_role("img", name=re.compile("^Fundus photograph"))
    expect(heat_map).to_have_css("opacity", "0.5")
    room.press("]")
    expect(heat_map).to_have_css("opacity", "0.6")
    room.press("h")
    expect(heat_map).to_have_count(0)
    room.press("r")
    expect(photograph).to_have_css("filter", re.compile("red-free"))
    room.keep("red-free")
    room.press("+")
    expect(page.get_by_label("Magnification")).to_have_text("1.3×")
    room.press("0")
    expect(page.get_by_label("Magnification")).to_have_text("1.0×")
    expect(heat_map).to_have_css("opacity", "0.5")


def test_a_photograph_that_did_not_come_is_asked_for_again(room: Room, read: Callable[..., str]) -> None:
    read("P-1019", "left")
    page = room.page
    page.route("**/rendered*", lambda route: route.abort())
    room.open("P-1019")
    expect(page.get_by_text("The picture could not be shown; the stored file is unchanged.")).to_be_visible()
    page.unroute("**/rendered*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("img", name="Fundus photograph, left eye")).not_to_have_js_property("naturalWidth", 0)
    room.faults[:] = [one for one in room.faults if "ERR_FAILED" not in one]


def test_a_signature_is_taken_back_and_given_anew(room: Room, read: Callable[..., str]) -> None:
    study_id = read("P-1003", "left")
    room.open("P-1003")
    history = room.page.get_by_role("region", name="History")
    room.press("a", "Control+Enter")
    history.get_by_role("button", name="Take back my signature").click()
    expect(history).to_contain_text("Signature taken back")
    room.press("a", "Control+Enter")
    expect(history.get_by_role("listitem")).to_have_count(3)
    assert [review["action"] for review in reviews_of(room.system, study_id)] == ["sign", "undo", "sign"]


def test_an_edit_gives_grade_reason_and_comment(room: Room, read: Callable[..., str]) -> None:
    study_id = read("P-1004", "left")
    room.open("P-1004")
    page = room.page
    room.press("e")
    expect(page.get_by_role("radio", checked=True).first).to_be_focused()
    sign = page.get_by_role("button", name=re.compile("^Sign"))
    expect(sign).to_be_disabled()
    grades = page.get_by_role("group", name="Left eye: Retinopathy grade")
    grades.get_by_role("radio", name="3").check()
    room.press("e")
    expect(grades.get_by_role("radio", name="3")).to_be_focused()
    room.press("ArrowRight")
    expect(grades.get_by_role("radio", name="4")).to_be_checked()
    page.get_by_label("Reason").select_option("grade_too_low")
    room.press("m")
    page.keyboard.type("New vessels at the disc.")
    room.press("Control+Enter")
    expect(page.get_by_role("region", name="History")).to_contain_text("New vessels at the disc.")
    (review,) = reviews_of(room.system, study_id)
    assert (review["verdict"], review["reason"], review["comment"]) == (
        "edit",
        "grade_too_low",
        "New vessels at the disc.",
    )
    findings = review["findings"]
    assert isinstance(findings, list)
    graded = {finding["laterality"]: finding["value"] for finding in findings if finding["label"] == "dr_grade"}
    assert graded == {"L": 4, None: 4}


def test_a_key_meant_as_a_command_does_not_change_the_reason(room: Room, read: Callable[..., str]) -> None:
    study_id = read("P-1020", "left")
    room.open("P-1020")
    page = room.page
    reason = page.get_by_role("combobox", name="Reason")
    comment = page.get_by_role("textbox", name="Comment")
    expect(page.get_by_role("img", name=re.compile("^Fundus"))).not_to_have_js_property("naturalWidth", 0)
    room.press("x")
    expect(reason).to_be_focused()
    room.press("ArrowDown")
    expect(reason).to_have_value("lesion_missed")
    room.press("r", "w")  # "Right and left are exchanged." begins with the one, and nothing is a command of the other
    expect(page.get_by_role("img", name=re.compile("^Fundus"))).to_have_css("filter", re.compile("red-free"))
    expect(reason).to_have_value("lesion_missed")
    room.press("m")
    page.keyboard.type("Two of them.")
    expect(comment).to_have_value("Two of them.")
    room.press("Shift+Tab")
    expect(reason).to_be_focused()
    room.press("Enter")
    expect(comment).to_be_focused()
    assert reviews_of(room.system, study_id) == []


def test_two_readers_at_once_overwrite_nothing(room: Room, read: Callable[..., str]) -> None:
    study_id = read("P-1005", "left")
    room.open("P-1005")
    page = room.page
    room.press("x")
    page.get_by_label("Reason").select_option("artefact")
    page.get_by_role("textbox", name="Comment").fill("Dust on the lens.")
    with closing(colleague(room.system, "colleague")) as other:
        result_id = other.get(f"/studies/{study_id}").json()["results"][0]["id"]
        signed = {"action": "sign", "verdict": "accept", "base_review_id": None}
        assert other.post(f"/results/{result_id}/reviews", json=signed).status_code == 201
    notice = page.get_by_role("status").filter(has_text="Somebody wrote here in the meantime")
    expect(notice).to_contain_text("colleague: Signed (Accepted)")
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("Dust on the lens.")
    assert len(reviews_of(room.system, study_id)) == 1
    page.get_by_role("button", name="I have read it; go on").click()
    page.get_by_role("button", name=re.compile("^Adjudicate")).click()
    expect(page.get_by_role("region", name="History")).to_contain_text("Dust on the lens.")
    assert [review["action"] for review in reviews_of(room.system, study_id)] == ["sign", "adjudicate"]


def test_a_session_that_ends_in_mid_review_loses_no_text(room: Room, read: Callable[..., str]) -> None:
    study_id = read("P-1006", "left")
    room.open("P-1006")
    page = room.page
    room.press("a", "m")
    page.keyboard.type("Drusen only.")
    page.context.clear_cookies()
    room.press("Control+Enter")
    expect(page.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    assert reviews_of(room.system, study_id) == []
    room.log_in(room.system.user, room.system.password)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("Drusen only.")
    page.get_by_role("textbox", name="Comment").press("Control+Enter")
    expect(page.get_by_role("region", name="History")).to_contain_text("Drusen only.")
    refused = [fault for fault in room.faults if "401" in fault]
    room.faults[:] = [fault for fault in room.faults if fault not in refused]
    assert refused


def test_a_picture_that_is_refused_alone_asks_for_a_new_log_in(room: Room, read: Callable[..., str]) -> None:
    read("P-1007", "blurred")
    room.open("P-1007")
    page = room.page
    expect(page.get_by_role("img", name=re.compile("^Fundus"))).not_to_have_js_property("naturalWidth", 0)
    room.rest()
    page.context.clear_cookies()
    room.press("h")
    expect(page.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    room.log_in(room.system.user, room.system.password)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("img", name=re.compile("^Heat-map"))).not_to_have_js_property("naturalWidth", 0)
    assert all("401" in fault and "/artifacts/" in fault for fault in room.faults), room.faults
    room.faults.clear()


def test_what_was_typed_is_still_there_after_leaving_the_page(room: Room, read: Callable[..., str]) -> None:
    read("P-1002", "left")
    room.open("P-1002")
    comment = room.page.get_by_role("textbox", name="Comment")
    room.press("a", "m")
    room.page.keyboard.type("To be discussed.")
    room.press("Escape")
    expect(comment).to_have_value("To be discussed.")
    room.press("Escape")
    expect(room.page.get_by_role("heading", name="Worklist")).to_be_visible()
    room.open("P-1002")
    expect(comment).to_have_value("To be discussed.")


def test_the_model_says_when_it_abstains(room: Room, read: Callable[..., str]) -> None:
    read("P-1007", "blurred")
    expect(room.row("P-1007")).to_contain_text("Model abstained")
    room.open("P-1007")
    expect(room.page.get_by_role("status").filter(has_text="The model abstained")).to_contain_text("cannot be graded")
    expect(room.page.get_by_role("figure")).to_contain_text("Heat-map not reliable")
    outside = room.page.get_by_role("status").filter(has_text="Outside the cameras it was trained on")
    expect(outside).to_contain_text("Right eye: unlike the training photographs in")
    heat_map = room.page.get_by_role("img", name=re.compile("^Heat-map"))
    expect(heat_map).to_have_count(0)
    expect(room.page.get_by_role("img", name=re.compile("^Fundus"))).not_to_have_js_property("naturalWidth", 0)
    room.press("h")
    expect(heat_map).to_be_visible()
    room.press("h")
    room.keep("abstained")


def test_what_arrives_appears_without_being_asked_for(room: Room, read: Callable[..., str]) -> None:
    expect(room.page.get_by_role("banner")).to_contain_text("Live")
    read("P-1008", "left")
    expect(room.row("P-1008")).to_contain_text("To read")


def test_refused_files_are_listed_with_the_reason(room: Room) -> None:
    refused = room.system.client.post("/studies", files={"files": ("notes.txt", b"no picture at all", "text/plain")})
    room.go("/rejections")
    expect(room.page.get_by_role("cell", name=refused.json()["received"][0]["code"])).to_be_visible()


def test_an_unrouted_study_says_why(room: Room, synthetic_dicom: MakesDicom) -> None:
    scan = synthetic_dicom(
        Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2", PatientID="P-1009", PatientName="Doe^Jane"
    )
    sent = room.system.client.post(
        "/studies",
        params={"complete": "yes"},
        files={"files": ("scan.dcm", scan.read_bytes(), "application/dicom")},
    )
    assert sent.status_code == 202, sent.text
    expect(room.row("P-1009")).to_contain_text("No pipeline reads this")
    room.open("P-1009")
    expect(room.page.get_by_role("status").filter(has_text="No pipeline reads this")).to_contain_text("holds CT")


def test_a_failed_job_says_why_and_can_be_read_again(room: Room, synthetic_dicom: MakesDicom) -> None:
    broken = synthetic_dicom(PatientID="P-1010", PixelData=np.zeros(0, np.uint8).tobytes())
    sent = room.system.client.post(
        "/studies",
        params={"complete": "yes"},
        files={"files": ("broken.dcm", broken.read_bytes(), "application/dicom")},
    )
    assert sent.status_code == 202, sent.text
    job = room.system.ended(sent.json()["studies"][0]["jobs"][0], JOB_SECONDS)
    assert job["state"] == "failed"
    room.go("/jobs")
    row = room.page.get_by_role("row").filter(has_text=job["error_code"])
    expect(row).to_contain_text("Failed")
    with room.page.expect_response("**/retry"):
        row.get_by_role("button", name="Read again").click()
    again = room.system.ended(job["id"], JOB_SECONDS)
    assert (again["state"], len(again["history"])) == ("failed", 2)
    expect(row).to_contain_text("Failed")


def test_the_model_card_is_shown(room: Room) -> None:
    room.go("/models")
    expect(room.page.get_by_role("cell", name="In use")).to_be_visible()
    expect(room.page.locator(".card")).not_to_be_empty()
    room.keep("models")


def test_the_keys_are_explained_and_can_be_switched_off(room: Room) -> None:
    room.press("?")
    help_page = room.page.get_by_role("dialog", name="Keys")
    expect(help_page).to_contain_text("Heat-map on or off")
    room.keep("keys")
    help_page.get_by_role("checkbox").uncheck()
    room.press("Escape")
    expect(help_page).to_have_count(0)
    room.press("?")
    expect(help_page).to_have_count(0)


def test_the_light_theme_stays_after_a_reload(room: Room, read: Callable[..., str]) -> None:
    read("P-1007", "blurred")
    expect(room.row("P-1007")).to_be_visible()
    expect(room.page.get_by_role("banner")).to_contain_text("Live")
    room.keep("worklist")
    room.page.get_by_role("button", name="Account menu").click()
    room.page.get_by_role("button", name="Light theme").click()
    room.page.reload()
    expect(room.page.locator("html")).to_have_attribute("data-theme", "light")
    expect(room.page.get_by_role("heading", name="Worklist")).to_be_visible()
    expect(room.row("P-1007")).to_be_visible()
    expect(room.page.get_by_role("banner")).to_contain_text("Live")
    room.keep("worklist-light")
