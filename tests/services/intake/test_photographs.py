"""Photographs by REST: which eye, whose, which study; sending them again; the same picture twice."""

from __future__ import annotations

import io
from datetime import date

import pydicom
import pytest
from PIL import Image
from sqlalchemy import select

from services.store.session import unit_of_work
from services.store.tables import Study
from tests.services.intake.conftest import Sender, codes, dicom, picture, statuses


def stored_object(sender: Sender, place: int = 0) -> pydicom.Dataset:
    with sender.store.blobs.open(sender.instances()[place].blob_sha256) as blob:
        return pydicom.dcmread(blob)


def test_a_photograph_becomes_a_dicom_object_and_its_bytes_are_kept(sender: Sender) -> None:
    sent = picture(kind="JPEG")
    answer = sender.send(("a.jpg", sent), laterality="L", patient_id="P-7", study_uid="1.2.3.4")
    assert (answer.status_code, statuses(answer)) == (202, ["stored"])
    assert [(study["study_instance_uid"], study["state"]) for study in answer.json()["studies"]] == [
        ("1.2.3.4", "complete")
    ]
    made = stored_object(sender)
    assert (made.PatientID, made.StudyInstanceUID, made.ImageLaterality, made.Modality) == ("P-7", "1.2.3.4", "L", "OP")
    [instance] = sender.instances()
    assert instance.source_sha256 is not None
    with sender.store.blobs.open(instance.source_sha256) as blob:
        assert blob.read() == sent


@pytest.mark.parametrize(("name", "side"), [("x_OD.png", "R"), ("12_left.png", "L"), ("right.png", "R")])
def test_the_file_name_tells_the_eye_where_nothing_else_does(sender: Sender, name: str, side: str) -> None:
    assert statuses(sender.send((name, picture()))) == ["stored"]
    assert [instance.laterality for instance in sender.instances()] == [side]


def test_a_photograph_of_an_unknown_eye_is_refused_and_its_neighbours_are_kept(sender: Sender) -> None:
    alone = sender.send(("IMG_0042.png", picture()))
    assert (alone.status_code, alone.json()["code"]) == (422, "laterality_required")
    beside = sender.send(("IMG_0042.png", picture()), ("x_OS.png", picture(1)))
    assert (beside.status_code, codes(beside)) == (202, ["laterality_required", None])


@pytest.mark.parametrize("sides", ["R,L", ["R", "L"], ["r", "l"]])
def test_sides_are_given_in_the_order_of_the_files(sender: Sender, sides: object) -> None:
    sender.send(("a.png", picture(0)), ("b.png", picture(1)), laterality=sides)
    assert sorted(instance.laterality or "" for instance in sender.instances()) == ["L", "R"]
    assert stored_object(sender).ImageLaterality == "R"


def test_sides_may_count_the_photographs_or_all_files(sender: Sender) -> None:
    sender.send(("a", dicom()), ("b.png", picture(0)), ("c.png", picture(1)), laterality="R,L")
    sender.send(("a", dicom()), ("b.png", picture(2)), ("c.png", picture(3)), laterality="R,L,R")
    sides = [instance.laterality for instance in sender.instances() if instance.source_sha256]
    assert sides == ["R", "L", "L", "R"]


def test_a_number_of_sides_that_fits_nothing_is_refused(sender: Sender) -> None:
    answer = sender.send(("a.png", picture(0)), ("b.png", picture(1)), ("c.png", picture(2)), laterality="R,L")
    assert (answer.status_code, answer.json()["code"]) == (422, "laterality_required")


def test_a_side_there_is_not_is_refused_before_anything_is_kept(sender: Sender) -> None:
    answer = sender.send(("a_OD.png", picture()), laterality="X")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert list(sender.instances()) == []


def test_both_eyes_in_one_request_are_one_study(sender: Sender) -> None:
    answer = sender.send(("x_OD.png", picture(0)), ("x_OS.png", picture(1)), patient_id="P-7")
    assert len(answer.json()["studies"]) == 1


@pytest.mark.parametrize("patient", [{}, {"patient_id": "P-7"}])
def test_sending_photographs_again_makes_duplicates_and_no_second_study(
    sender: Sender, patient: dict[str, str]
) -> None:
    both = [("x_OD.png", picture(0)), ("x_OS.png", picture(1))]
    first = sender.send(*both, **patient)
    again = sender.send(*both, **patient)
    assert (again.status_code, statuses(again)) == (202, ["duplicate", "duplicate"])
    assert again.json()["studies"] == first.json()["studies"]
    assert statuses(sender.send(both[1], **patient)) == ["duplicate"]
    assert len(sender.studies()) == 1


def test_a_visit_that_was_cut_short_is_completed_in_its_study(sender: Sender) -> None:
    right, left = ("x_OD.png", picture(0)), ("x_OS.png", picture(1))
    sender.send(right, patient_id="P-7")
    assert statuses(sender.send(right, left, patient_id="P-7")) == ["duplicate", "stored"]
    assert len(sender.studies()) == 1


def test_a_later_visit_of_the_same_patient_is_another_study(sender: Sender) -> None:
    sender.send(("x_OD.png", picture(0)), patient_id="P-7")
    sender.send(("x_OD.png", picture(1)), patient_id="P-7")
    first, second = sender.studies()
    assert first.patient_id == second.patient_id


@pytest.mark.parametrize("other", [{"patient_id": "P-8", "laterality": "R"}, {"patient_id": "P-7", "laterality": "L"}])
def test_the_same_picture_under_another_patient_or_eye_is_kept_and_both_are_flagged(
    sender: Sender, other: dict[str, str]
) -> None:
    sender.send(("a.png", picture()), patient_id="P-7", laterality="R")
    answer = sender.send(("a.png", picture()), **other)
    assert (statuses(answer), codes(answer)) == (["stored"], ["same_picture"])
    assert [instance.flag for instance in sender.instances()] == ["same_picture", "same_picture"]


def test_the_same_picture_as_both_eyes_in_one_request_is_flagged(sender: Sender) -> None:
    answer = sender.send(("a.png", picture()), ("b.png", picture()), laterality="R,L")
    assert (statuses(answer), codes(answer)) == (["stored", "stored"], ["same_picture", "same_picture"])


def test_the_same_picture_of_one_eye_twice_in_one_request_is_one_instance(sender: Sender) -> None:
    answer = sender.send(("a.png", picture()), ("b.png", picture()), laterality="R")
    assert sorted(statuses(answer)) == ["duplicate", "stored"]


def test_a_photograph_that_does_not_decode_is_refused_by_itself(sender: Sender) -> None:
    answer = sender.send(("a_OD.png", picture()[:200]), ("b_OS.png", picture(1)))
    assert (answer.status_code, statuses(answer), codes(answer)[0]) == (202, ["rejected", "stored"], "corrupt_pixels")


@pytest.mark.parametrize(
    "query", [{"patient_id": "a\\b"}, {"patient_id": "x" * 65}, {"study_uid": "abc"}, {"priority": "now"}]
)
def test_parameters_that_dicom_could_not_hold_are_refused(sender: Sender, query: dict[str, str]) -> None:
    answer = sender.send(("a_OD.png", picture()), **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    field = sender.send(("a_OD.png", picture()), fields=dict(query))
    assert (field.status_code, field.json()["code"]) == (422, "invalid_request")


def exif(original: str | None, changed: str | None = None) -> bytes:
    """EXIF with DateTimeOriginal, and with the time of the last change."""
    said = Image.Exif()
    if original is not None:
        said.get_ifd(0x8769)[0x9003] = original
    if changed is not None:
        said[0x0132] = changed
    return said.tobytes()


def with_clock(original: str | None, changed: str | None = None) -> bytes:
    """A JPEG whose camera had this time."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(picture(kind="JPEG"))) as plain:
        plain.save(out, "JPEG", exif=exif(original, changed))
    return out.getvalue()


def study_dates(sender: Sender) -> list[date | None]:
    with unit_of_work(sender.store.database, writing=False) as session:
        return list(session.scalars(select(Study.study_date).order_by(Study.id)))


def test_a_stated_moment_dates_study_and_object_and_is_what_counts_beside_the_cameras(sender: Sender) -> None:
    sent = with_clock("2019:05:06 07:08:09")
    answer = sender.send(("x_OD.jpg", sent), acquired="2024-02-29T10:11+02:00")
    assert (statuses(answer), codes(answer)) == (["stored"], [None])
    made = stored_object(sender)
    assert (made.StudyDate, made.StudyTime) == ("20240229", "101100")
    assert (made.AcquisitionDateTime, made.ImageType[0]) == ("20240229101100+0200", "ORIGINAL")
    assert study_dates(sender) == [date(2024, 2, 29)]


def test_days_are_given_in_the_order_of_the_files_and_the_first_is_the_visits(sender: Sender) -> None:
    sender.send(("x_OD.png", picture(0)), ("x_OS.png", picture(1)), acquired=["2024-03-02", "2024-03-01"])
    made = [stored_object(sender, place) for place in (0, 1)]
    assert [(one.AcquisitionDateTime, one.StudyDate, one.StudyTime) for one in made] == [
        ("20240302", "20240301", ""),
        ("20240301", "20240301", ""),
    ]
    assert study_dates(sender) == [date(2024, 3, 1)]


def test_where_nobody_states_it_the_cameras_own_moment_is_taken_and_said(sender: Sender) -> None:
    answer = sender.send(("x_OD.jpg", with_clock("2019:05:06 07:08:09", changed="2021:01:01 00:00:00")))
    assert (statuses(answer), codes(answer)) == (["stored"], ["camera_date"])
    made = stored_object(sender)
    assert (made.StudyDate, made.AcquisitionDateTime, made.ImageType[0]) == ("20190506", "20190506070809", "DERIVED")
    assert study_dates(sender) == [date(2019, 5, 6)]


def test_a_cameras_moment_that_cannot_be_is_ignored_and_said(sender: Sender) -> None:
    answer = sender.send(("x_OD.jpg", with_clock("2999:01:01 00:00:00")))
    assert (statuses(answer), codes(answer)) == (["stored"], ["camera_date_ignored"])
    assert study_dates(sender) == [None]


def test_a_camera_that_does_not_know_dates_nothing_and_neither_does_the_last_change(sender: Sender) -> None:
    answer = sender.send(("x_OD.jpg", with_clock("    :  :     :  :  ", changed="2021:01:01 00:00:00")))
    assert codes(answer) == [None]
    assert (study_dates(sender), stored_object(sender).StudyDate) == ([None], "")


@pytest.mark.parametrize("said", ["yesterday", ["2024-01-01"] * 3])
def test_a_stated_day_that_is_none_refuses_the_photographs(sender: Sender, said: object) -> None:
    answer = sender.send(("x_OD.png", picture(0)), ("x_OS.png", picture(1)), acquired=said)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_acquired")
    assert list(sender.instances()) == []


def test_a_photograph_that_joins_a_dated_visit_takes_its_day(sender: Sender) -> None:
    sender.send(("x_OD.png", picture(0)), patient_id="P-7", study_uid="1.2.3", acquired="2024-03-01")
    sender.send(("x_OS.png", picture(1)), patient_id="P-7", study_uid="1.2.3", acquired="2024-03-05")
    assert [stored_object(sender, place).StudyDate for place in (0, 1)] == ["20240301", "20240301"]
    assert study_dates(sender) == [date(2024, 3, 1)]
