"""Pictures to compare with, and what was signed of the patient before."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from pipelines.core.codes import DIABETIC_RETINOPATHY
from pipelines.core.types import Finding, ImageReading, Laterality, Quality, Reading, Urgency
from services.store.clock import utcnow
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import Blob, Instance, JobInput, Study
from tests.services.api.conftest import Read, Reader, Web
from tests.services.conftest import reading

URGENCIES = (Urgency.ROUTINE, Urgency.ROUTINE, Urgency.URGENT, Urgency.URGENT, Urgency.STAT)


def graded(uid: str, grade: int, *, gradable: bool = True) -> Reading:
    """What the model says of one photograph of a left eye."""
    quality = Quality(gradable=gradable, score=0.9)
    return reading(
        urgency=URGENCIES[grade],
        findings=tuple(
            Finding(DIABETIC_RETINOPATHY, "dr_grade", grade, laterality=side) for side in (None, Laterality.LEFT)
        ),
        images=(ImageReading(uid, Laterality.LEFT, quality, False, None, None, ()),),
        quality=quality,
    )


def photograph(web: Web, reader: Reader, patient: str, grade: int, *, gradable: bool = True) -> Read:
    """A patient's left eye as the model graded it."""
    job_id = reader.desk.queue(study=patient)
    with unit_of_work(web.store.database, writing=False) as session:
        chosen = select(Instance.sop_instance_uid).join(JobInput).where(JobInput.job_id == job_id)
        uid = session.scalars(chosen).one()
    return reader.answer_next(graded(uid, grade, gradable=gradable))


def sign(client: httpx.Client, read: Read, verdict: str = "accept", **word: Any) -> None:
    """Sign a reading."""
    said = {"action": "sign", "verdict": verdict, **word}
    answer = client.post(f"/api/v1/results/{read.result_id}/reviews", json=said)
    assert answer.status_code == 201, answer.text


def pictures(client: httpx.Client, **asked: str) -> dict[int, list[dict[str, Any]]]:
    """The reference pictures by grade."""
    answer = client.get("/api/v1/references", params={"pipeline": "retinopathy", **asked})
    assert answer.status_code == 200, answer.text
    return {item["grade"]: item["pictures"] for item in answer.json()["items"]}


def test_each_grade_has_up_to_three_confirmed_photographs_without_identifiers(web: Web, reader: Reader) -> None:
    carol = web.client(Role.CLINICIAN)
    for number in range(4):
        sign(carol, photograph(web, reader, f"planted-{number}", 2))
    sign(carol, photograph(web, reader, "planted-4", 4))
    found = pictures(carol)
    assert {grade: len(shown) for grade, shown in found.items()} == {0: 0, 1: 0, 2: 3, 3: 0, 4: 1}
    assert set(found[4][0]) == {"instance_id", "laterality", "rows", "columns"}
    with unit_of_work(web.store.database, writing=False) as session:
        uids = session.scalars(select(Instance.sop_instance_uid)).all()
    assert not any(planted in json.dumps(found) for planted in ("planted", *uids))


def test_only_what_a_reader_accepted_is_a_reference(web: Web, reader: Reader) -> None:
    carol = web.client(Role.CLINICIAN)
    photograph(web, reader, "unread", 2)
    sign(carol, photograph(web, reader, "rejected", 2), "reject", reason="other", comment="no fundus")
    edited = [{"label": "dr_grade", "value": 3, "laterality": "L"}]
    sign(carol, photograph(web, reader, "edited", 2), "edit", findings=edited)
    sign(carol, photograph(web, reader, "blurred", 2, gradable=False))
    assert not any(pictures(carol).values())


def test_the_patient_that_is_being_read_is_no_reference_for_himself(web: Web, reader: Reader) -> None:
    carol = web.client(Role.CLINICIAN)
    mine, other = photograph(web, reader, "mine", 2), photograph(web, reader, "other", 2)
    for read in (mine, other):
        sign(carol, read)
    assert [len(pictures(carol, study_id=read.study_id)[2]) for read in (mine, other)] == [1, 1]
    assert pictures(carol, study_id=mine.study_id)[2] != pictures(carol, study_id=other.study_id)[2]


@pytest.mark.parametrize("gone", ["removed", "flagged"])
def test_a_picture_that_cannot_be_shown_is_no_reference(web: Web, reader: Reader, gone: str) -> None:
    carol = web.client(Role.CLINICIAN)
    sign(carol, photograph(web, reader, "somebody", 2))
    assert len(pictures(carol)[2]) == 1
    with unit_of_work(web.store.database) as session:
        instance = session.scalars(select(Instance)).one()
        if gone == "flagged":
            instance.flag = "same_picture"
        else:
            session.execute(update(Blob).where(Blob.sha256 == instance.blob_sha256).values(removed_at=utcnow()))
    assert pictures(carol)[2] == []


def test_a_pipeline_without_grades_has_no_references(web: Web) -> None:
    assert pictures(web.client(Role.TECHNICIAN), pipeline="segmentation") == {}


def test_references_of_a_study_that_is_not_there_are_not_found(web: Web) -> None:
    params = {"pipeline": "retinopathy", "study_id": "01JD8Q3Z5V7Y9XK2M4N6P8R0ST"}
    answer = web.client(Role.TECHNICIAN).get("/api/v1/references", params=params)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_priors_say_what_was_signed_and_not_what_only_a_machine_said(web: Web, reader: Reader) -> None:
    carol = web.client(Role.CLINICIAN)
    edited, unsigned, today = (photograph(web, reader, name, 2) for name in ("first", "second", "third"))
    with unit_of_work(web.store.database) as session:
        patient = session.get_one(Study, today.study_id).patient_id
        session.execute(update(Study).values(patient_id=patient))
    sign(carol, edited, "edit", findings=[{"label": "dr_grade", "value": 3, "laterality": "L"}])
    priors = carol.get(f"/api/v1/studies/{today.study_id}/priors").json()["items"]
    assert [(prior["id"], prior["modality"]) for prior in priors] == [
        (unsigned.study_id, "OP"),
        (edited.study_id, "OP"),
    ]
    assert priors[0]["signed"] == []
    assert [(one["label"], one["laterality"], one["value"]) for one in priors[1]["signed"]] == [
        ("dr_grade", None, 3),
        ("dr_grade", "L", 3),
    ]
