"""Sending images by REST: what is kept, what is said of each file, and when studies close."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from services.store.states import Priority
from tests.services.intake.conftest import BOUNDARY, Sender, by, codes, dicom, multipart, picture, series, statuses

MANY = 1_001  # the framework's own form parser stops at 1,000


def zipped(*files: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_dicom_file_is_kept_byte_for_byte_and_its_study_waits_for_more(sender: Sender) -> None:
    content = dicom()
    answer = sender.send(("any name", content))
    assert answer.status_code == 202
    [outcome] = answer.json()["received"]
    assert (outcome["name"], outcome["status"], outcome["code"]) == ("any name", "stored", None)
    [instance] = sender.instances()
    assert instance.sop_instance_uid == outcome["sop_instance_uid"]
    with sender.store.blobs.open(hashlib.sha256(content).hexdigest()) as blob:
        assert blob.read() == content
    [study] = answer.json()["studies"]
    assert (study["state"], study["jobs"]) == ("receiving", [])


def test_the_same_bytes_again_are_a_duplicate_of_the_same_study(sender: Sender) -> None:
    content = dicom()
    first = sender.send(("a", content)).json()
    again = sender.send(("b", content), ("c", content))
    assert again.status_code == 202
    assert statuses(again) == ["duplicate", "duplicate"]
    assert [study["id"] for study in again.json()["studies"]] == [study["id"] for study in first["studies"]]
    assert len(sender.instances()) == 1


def test_the_same_bytes_twice_in_one_request_are_one_instance(sender: Sender) -> None:
    content = dicom()
    assert sorted(statuses(sender.send(("a", content), ("b", content)))) == ["duplicate", "stored"]
    assert len(sender.instances()) == 1


def test_the_same_object_with_other_meta_information_is_a_duplicate(sender: Sender) -> None:
    content = dicom()
    first = sender.send(("a", content)).json()
    again = sender.send(("b", by("ANOTHER", content)))
    assert (again.status_code, statuses(again), codes(again)) == (202, ["duplicate"], [None])
    assert [study["id"] for study in again.json()["studies"]] == [study["id"] for study in first["studies"]]
    assert [instance.conflict for instance in sender.instances()] == [False]


def test_other_bytes_under_the_same_uid_are_kept_and_flagged(sender: Sender) -> None:
    uids = {name: generate_uid() for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")}
    sender.send(("a", dicom(**uids)))
    answer = sender.send(("b", dicom(PatientName="Other^Name", **uids)))
    assert answer.status_code == 202
    assert (statuses(answer), codes(answer)) == (["conflict"], ["conflict"])
    assert [instance.conflict for instance in sender.instances()] == [False, True]


def test_one_bad_file_never_sinks_its_neighbours(sender: Sender) -> None:
    answer = sender.send(
        ("good", dicom()), ("empty", b""), ("text", b"hello"), ("cut", dicom()[:300]), ("too", dicom())
    )
    assert answer.status_code == 202
    assert statuses(answer) == ["stored", "rejected", "rejected", "rejected", "stored"]
    assert codes(answer) == [None, "empty_file", "not_dicom", "truncated_header", None]
    assert sorted(row.code for row in sender.rejections()) == ["empty_file", "not_dicom", "truncated_header"]


def test_nothing_kept_is_422_with_the_same_body_and_the_reason(sender: Sender) -> None:
    answer = sender.send(("text", b"hello"))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_dicom"
    assert (statuses(answer), answer.json()["studies"]) == (["rejected"], [])


def test_different_reasons_are_summed_up_in_one_code(sender: Sender) -> None:
    answer = sender.send(("text", b"hello"), ("empty", b""))
    assert (answer.status_code, answer.json()["code"]) == (422, "nothing_kept")


def test_more_files_than_the_frameworks_parser_takes_go_into_one_request(sender: Sender) -> None:
    content = dicom()
    answer = sender.send(*[(f"{number}.dcm", content) for number in range(MANY)])
    assert answer.status_code == 202
    assert statuses(answer).count("stored") == 1
    assert statuses(answer).count("duplicate") == MANY - 1


def test_a_raw_dicom_body_is_one_file(sender: Sender) -> None:
    assert statuses(sender.post(dicom(), "application/dicom")) == ["stored"]


def test_a_raw_zip_body_is_an_archive_that_closes_its_study(sender: Sender) -> None:
    first, second = series(2)
    answer = sender.post(zipped(("one", first), ("folder/two", second), ("README", b"hello")), "application/zip")
    assert statuses(answer) == ["stored", "stored", "rejected"]
    assert [outcome["name"] for outcome in answer.json()["received"]] == ["file/one", "file/folder/two", "file/README"]
    assert [study["state"] for study in answer.json()["studies"]] == ["complete"]


def test_bytes_decide_and_not_names_or_stated_types(sender: Sender) -> None:
    answer = sender.send(("photo.jpg", dicom()), ("image.dcm", zipped(("x", dicom()))))
    assert statuses(answer) == ["stored", "stored"]
    assert statuses(sender.post(zipped(("x", dicom())), "application/dicom")) == ["stored"]


@pytest.mark.parametrize(("query", "fields"), [({"complete": "yes"}, {}), ({}, {"complete": "yes"})])
def test_yes_closes_with_the_request(sender: Sender, query: dict[str, str], fields: dict[str, str]) -> None:
    [study] = sender.send(("a", dicom()), fields=fields, **query).json()["studies"]
    assert study["state"] == "complete"


def test_no_waits_for_complete_even_with_a_photograph(sender: Sender) -> None:
    [study] = sender.send(("a_OD.png", picture()), complete="no").json()["studies"]
    assert study["state"] == "receiving"
    closed = sender.complete(study["id"])
    assert (closed.status_code, closed.json()["state"]) == (200, "complete")
    assert sender.complete(study["id"]).json() == closed.json()


def test_completing_what_is_not_there_is_not_found(sender: Sender) -> None:
    assert sender.complete("0" * 26).status_code == 404
    assert sender.complete("no-id").status_code == 404


@pytest.mark.parametrize("after", [False, True])
def test_fields_may_come_before_or_after_the_files(sender: Sender, after: bool) -> None:
    # An archive is taken in at once, so that what comes after it comes too late for its rows.
    file = multipart(("a", zipped(("x", dicom()))), closed=False)
    field = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (("priority", "stat"), ("complete", "no"), ("pipeline", "retinopathy"))
    )
    body = (file + field if after else field + file) + f"--{BOUNDARY}--\r\n".encode()
    assert statuses(sender.post(body, f"multipart/form-data; boundary={BOUNDARY}")) == ["stored"]
    [study] = sender.studies()
    assert (study.priority, study.hold, study.requested_pipeline) == (Priority.STAT, True, "retinopathy")


def test_a_more_urgent_request_lifts_a_study_and_a_less_urgent_one_does_not_lower_it(sender: Sender) -> None:
    first, second, third = series(3)
    for file, priority in ((first, "routine"), (second, "stat"), (third, "batch")):
        sender.send(("a", file), priority=priority)
    assert [study.priority for study in sender.studies()] == [Priority.STAT]


def test_nothing_is_left_in_the_spool(sender: Sender) -> None:
    sender.send(("a", dicom()), ("b", b"hello"), ("c_OD.png", picture()), ("d", zipped(("x", dicom()))))
    assert list(Path(sender.settings.spool_dir).iterdir()) == []


def test_another_patients_image_in_a_study_is_kept_and_flagged(sender: Sender) -> None:
    first, second = (dicom(PatientID=name, StudyInstanceUID="1.2.3") for name in ("P-1", "P-2"))
    sender.send(("a", first))
    answer = sender.send(("b", second))
    assert (statuses(answer), codes(answer)) == (["stored"], ["other_patient"])


def test_files_without_a_patient_id_never_share_a_patient(sender: Sender) -> None:
    sender.send(("a", dicom(PatientID="")), ("b", dicom(PatientID=None)))
    first, second = sender.studies()
    assert first.patient_id != second.patient_id


@pytest.mark.parametrize("fields", [{"patient_id": "a\\b"}, {"study_uid": "visit 7"}])
def test_a_field_of_the_wrong_form_is_named_and_no_pattern_shown(sender: Sender, fields: dict[str, str]) -> None:
    answer = sender.send(("a", dicom()), fields=fields)
    sentence = f"field {next(iter(fields))}: It has characters, or a form, that this field does not take"
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)
