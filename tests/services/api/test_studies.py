"""The worklist, a study with all that belongs to it, its timeline, its priors, and search."""

from __future__ import annotations

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from pipelines.core.types import Urgency
from services.store import received
from services.store.received import PatientFacts, StudyFacts
from services.store.session import unit_of_work
from services.store.states import Priority, Role
from services.store.tables import AuditRow
from tests.services.api.conftest import Reader, Web
from tests.services.conftest import reading


def test_the_worklist_shows_the_most_urgent_first_page_by_page(web: Web, reader: Reader) -> None:
    urgencies = (Urgency.ROUTINE, Urgency.STAT, Urgency.CHECK, Urgency.URGENT)
    expected = {urgency.value: reader.read(answer=reading(urgency=urgency)).study_id for urgency in urgencies}
    client = web.client(Role.TECHNICIAN)
    first = client.get("/api/v1/studies", params={"limit": 3}).json()
    second = client.get("/api/v1/studies", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    items = first["items"] + second["items"]
    assert [item["urgency"] for item in items] == ["stat", "urgent", "check", "routine"]
    assert [item["id"] for item in items] == [expected[item["urgency"]] for item in items]
    assert second["next_cursor"] is None


FILTERS = (
    ({}, 2),
    ({"urgency": "stat"}, 1),
    ({"urgency": "urgent"}, 0),
    ({"modality": "OP"}, 2),
    ({"modality": "CT"}, 0),
    ({"pipeline": "retinopathy"}, 2),
    ({"review_state": "unread"}, 2),
    ({"review_state": "signed"}, 0),
    ({"state": "receiving"}, 2),
    ({"job_state": "queued"}, 1),
    ({"abstained": "true"}, 0),
    ({"assignee": "01JD8Q3Z5V7Y9XK2M4N6P8R0ST"}, 0),
    ({"first_day": "2026-01-01"}, 0),
)


def test_filters_narrow_the_worklist(web: Web, reader: Reader) -> None:
    reader.read(answer=reading(urgency=Urgency.STAT))
    reader.desk.queue()
    client = web.client(Role.TECHNICIAN)
    found = [len(client.get("/api/v1/studies", params=filters).json()["items"]) for filters, _ in FILTERS]
    assert found == [count for _, count in FILTERS]


@pytest.mark.parametrize("path", ["/api/v1/studies", "/api/v1/jobs", "/api/v1/audit"])
def test_a_bad_cursor_has_a_code(web: Web, path: str) -> None:
    client = web.client(Role.ADMIN)
    cursors = ("x", "bm90IGpzb24", "WzFd", "WzEsMiwzXQ", "WyJhIiwiYiIsImMiXQ", "é", "%00", "W1tbW10=")
    before_the_calendar = "WzEsIjAwMDEtMDEtMDFUMDA6MDA6MDArMjM6NTkiLCJ4Il0"  # [1, "0001-01-01T00:00:00+23:59", "x"]
    answers = [client.get(path, params={"cursor": cursor}) for cursor in (*cursors, before_the_calendar)]
    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["code"] for answer in answers} == {"bad_cursor"}


def test_a_limit_outside_its_range_is_refused(web: Web) -> None:
    client = web.client(Role.TECHNICIAN)
    answers = [client.get("/api/v1/studies", params={"limit": limit}) for limit in ("0", "-1", "501", "many")]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_request")}
    assert {answer.json()["errors"][0]["field"] for answer in answers} == {"query.limit"}


def test_a_study_comes_with_series_jobs_results_and_reviews(web: Web, reader: Reader) -> None:
    read, client = reader.read(), web.client(Role.CLINICIAN)
    word = {"action": "sign", "verdict": "accept"}
    review = client.post(f"/api/v1/results/{read.result_id}/reviews", json=word).json()
    study = client.get(f"/api/v1/studies/{read.study_id}").json()
    assert study["id"] == read.study_id
    assert study["patient"]["patient_id"] == "study-1"
    assert study["series"][0]["instances"][0]["laterality"] == "L"
    assert [job["id"] for job in study["jobs"]] == [read.job_id]
    assert study["jobs"][0]["state"] == "succeeded"
    assert study["results"] == [client.get(f"/api/v1/results/{read.result_id}").json()]
    assert study["reviews"] == [review]


def test_opening_a_study_is_audited_once_in_five_minutes_for_each_actor(web: Web, reader: Reader) -> None:
    read = reader.read()
    carol, dave = web.client(Role.CLINICIAN), web.client(Role.CLINICIAN)
    for client in (carol, carol, dave):
        assert client.get(f"/api/v1/studies/{read.study_id}").status_code == 200
    with unit_of_work(web.store.database, writing=False) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "study.opened")).all()
    assert len({row.actor for row in rows}) == len(rows) == 2
    assert {row.study_id for row in rows} == {read.study_id}


def test_the_timeline_tells_what_happened_in_order(web: Web, reader: Reader) -> None:
    read = reader.read()
    events = web.client(Role.TECHNICIAN).get(f"/api/v1/studies/{read.study_id}/events").json()["items"]
    told = [(event["topic"], event["payload"].get("state")) for event in events]
    assert told == [("job", "queued"), ("job", "running"), ("job", "succeeded"), ("result", None)]


def test_the_timeline_is_paged(web: Web, reader: Reader) -> None:
    read, client = reader.read(), web.client(Role.TECHNICIAN)
    whole = client.get(f"/api/v1/studies/{read.study_id}/events").json()["items"]
    first = client.get(f"/api/v1/studies/{read.study_id}/events", params={"limit": 1}).json()
    rest = client.get(f"/api/v1/studies/{read.study_id}/events", params={"cursor": first["next_cursor"]}).json()
    assert first["items"] + rest["items"] == whole


def study_of(web: Web, patient_id: str) -> str:
    """A new study of a patient."""
    with unit_of_work(web.store.database) as session:
        patient = received.upsert_patient(session, web.store.site_id, PatientFacts("tests", patient_id))
        return received.upsert_study(session, web.store.site_id, patient.id, StudyFacts(generate_uid())).id


def test_priors_are_the_same_patients_earlier_studies(web: Web) -> None:
    earlier, later, other = study_of(web, "P-1"), study_of(web, "P-1"), study_of(web, "P-2")
    client = web.client(Role.CLINICIAN)
    priors = client.get(f"/api/v1/studies/{later}/priors").json()["items"]
    assert [prior["id"] for prior in priors] == [earlier]
    assert client.get(f"/api/v1/studies/{other}/priors").json()["items"] == []


def test_search_finds_by_every_word_and_leaves_a_trace_without_them(web: Web, reader: Reader) -> None:
    read = reader.read("planted-7781")
    reader.read("somebody else")
    client = web.client(Role.TECHNICIAN)
    found = client.post("/api/v1/studies/search", json={"text": "planted 7781"}).json()["items"]
    assert [item["id"] for item in found] == [read.study_id]
    assert client.post("/api/v1/studies/search", json={"text": "planted 9999"}).json()["items"] == []
    with unit_of_work(web.store.database, writing=False) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "studies.searched")).all()
    assert [row.subjects for row in rows] == [{"found": 1}, {"found": 0}]


def test_search_takes_any_text(web: Web, reader: Reader) -> None:
    reader.read()
    client = web.client(Role.TECHNICIAN)
    texts = ("", "  ", '"', "a' OR 1=1 --", "*", "%", "NEAR(", "a AND", "\u202e", "ß" * 200)
    answers = [client.post("/api/v1/studies/search", json={"text": text}) for text in texts]
    assert [(answer.status_code, answer.json()["items"]) for answer in answers] == [(200, [])] * len(texts)


def test_a_stat_study_shows_its_priority(web: Web, reader: Reader) -> None:
    reader.desk.queue(Priority.STAT)
    assert web.client(Role.TECHNICIAN).get("/api/v1/jobs").json()["items"][0]["priority"] == "stat"
