"""Blind-first reading: what is withheld from a reader until that reader's own word, and that word."""

from __future__ import annotations

from typing import Any

import httpx

from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import AuditRow
from tests.services.api.conftest import Read, Reader, Web

GRADE_OF_THE_LEFT_EYE = {"label": "dr_grade", "value": 1, "laterality": "L"}
SIGN = {"action": "sign", "verdict": "accept"}


def blind_client(web: Web, name: str = "bea") -> httpx.Client:
    """A client of a clinician who reads blind first."""
    client = web.client(Role.CLINICIAN, name)
    assert client.patch("/api/v1/me", json={"blind_first": True}).status_code == 200
    return client


def commit(client: httpx.Client, read: Read) -> httpx.Response:
    """Say blind that the left eye has grade 1."""
    return client.post(f"/api/v1/slots/{read.slot_id}/blind-read", json={"findings": [GRADE_OF_THE_LEFT_EYE]})


def slot_of(client: httpx.Client, read: Read) -> dict[str, Any]:  # Any: JSON
    """The study's only question as this client sees it."""
    slot: dict[str, Any]
    (slot,) = client.get(f"/api/v1/studies/{read.study_id}").json()["slots"]
    return slot


def test_a_person_switches_blind_reading_on_and_off_and_the_audit_knows(web: Web) -> None:
    client = blind_client(web)
    assert client.get("/api/v1/me").json()["blind_first"] is True
    client.patch("/api/v1/me", json={"blind_first": False})
    assert client.get("/api/v1/me").json()["blind_first"] is False
    with unit_of_work(web.store.database, writing=False) as session:
        actions = {row.action for row in session.query(AuditRow)}
    assert {"user.reads_blind", "user.reads_with_machine"} <= actions


def test_a_key_of_no_person_cannot_read_blind(web: Web) -> None:
    client = web.client()
    client.headers["Authorization"] = f"Bearer {web.key(Role.CLINICIAN)}"
    answer = client.patch("/api/v1/me", json={"blind_first": True})
    assert (answer.status_code, answer.json()["code"]) == (403, "person_needed")


def test_an_administrator_sets_blind_reading_for_a_user(web: Web) -> None:
    person = web.user(Role.CLINICIAN, "bea")
    changed = web.client(Role.ADMIN).patch(f"/api/v1/users/{person}", json={"blind_first": True})
    assert changed.json()["blind_first"] is True
    assert web.browser("bea").get("/api/v1/me").json()["blind_first"] is True


def test_a_blind_reader_gets_neither_result_nor_picture_of_it_before_the_word(web: Web, reader: Reader) -> None:
    read, client = reader.read(), blind_client(web)
    refused = [
        client.get(f"/api/v1/results/{read.result_id}{more}")
        for more in ("", "/reviews", "/artifacts/L-1-overlay.png", "/artifacts/no-such-file.png")
    ]
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(403, "withheld_until_read")}
    study = client.get(f"/api/v1/studies/{read.study_id}").json()
    assert (study["results"], study["reviews"], study["slots"][0]["withheld"]) == ([], [], True)


def test_it_is_withheld_in_the_browser_as_with_a_key(web: Web, reader: Reader) -> None:
    read = reader.read()
    blind_client(web, "bea")
    assert web.browser("bea").get(f"/api/v1/results/{read.result_id}").status_code == 403


def test_the_word_opens_everything(web: Web, reader: Reader) -> None:
    read, client = reader.read(), blind_client(web)
    said = commit(client, read)
    assert said.status_code == 201
    assert said.json()["findings"][0]["code"]["value"] == "4855003"
    assert client.get(f"/api/v1/results/{read.result_id}").status_code == 200
    assert client.get(f"/api/v1/results/{read.result_id}/artifacts/L-1-overlay.png").content == b"pixels"
    assert slot_of(client, read)["withheld"] is False


def test_the_word_is_said_once(web: Web, reader: Reader) -> None:
    read, client = reader.read(), blind_client(web)
    commit(client, read)
    again = commit(client, read)
    assert (again.status_code, again.json()["code"]) == (409, "already_read")


def test_a_word_sent_twice_under_one_key_is_said_once(web: Web, reader: Reader) -> None:
    read, client = reader.read(), blind_client(web)
    client.headers["Idempotency-Key"] = "one"
    first, second = commit(client, read), commit(client, read)
    assert (first.status_code, second.status_code, first.json()) == (201, 201, second.json())


def test_signing_comes_after_the_word(web: Web, reader: Reader) -> None:
    read, client = reader.read(), blind_client(web)
    early = client.post(f"/api/v1/results/{read.result_id}/reviews", json=SIGN)
    assert (early.status_code, early.json()["code"]) == (409, "blind_read_first")
    commit(client, read)
    assert client.post(f"/api/v1/results/{read.result_id}/reviews", json=SIGN).status_code == 201


def test_what_is_signed_is_withheld_from_nobody(web: Web, reader: Reader) -> None:
    read, client = reader.read(), blind_client(web)
    web.client(Role.CLINICIAN, "carol").post(f"/api/v1/results/{read.result_id}/reviews", json=SIGN)
    assert client.get(f"/api/v1/results/{read.result_id}").status_code == 200
    assert slot_of(client, read)["review_state"] == "signed"


def test_one_reader_s_word_opens_nothing_for_another(web: Web, reader: Reader) -> None:
    read = reader.read()
    commit(blind_client(web, "bea"), read)
    assert blind_client(web, "ben").get(f"/api/v1/results/{read.result_id}").status_code == 403


def test_a_reader_who_sees_the_machine_says_nothing_blind(web: Web, reader: Reader) -> None:
    answer = commit(web.client(Role.CLINICIAN), reader.read())
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_withheld")


def test_a_grade_or_that_there_is_none_must_be_said(web: Web, reader: Reader) -> None:
    read, client = reader.read(), blind_client(web)
    path = f"/api/v1/slots/{read.slot_id}/blind-read"
    assert client.post(path, json={}).json()["code"] == "finding_required"
    both = client.post(path, json={"ungradable": True, "findings": [GRADE_OF_THE_LEFT_EYE]})
    assert both.json()["code"] == "bad_review"
    assert client.post(path, json={"ungradable": True}).status_code == 201


def test_the_form_asks_for_each_photographed_eye_whatever_the_machine_said(web: Web, reader: Reader) -> None:
    (ask,) = slot_of(blind_client(web), reader.read())["asks"]
    assert (ask["label"], ask["laterality"], len(ask["choices"])) == ("dr_grade", "L", 5)
