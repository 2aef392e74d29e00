"""Blind-first reading: what is withheld from a reader until that reader's own word, and that word."""

from __future__ import annotations

from typing import Any

import httpx

from pipelines.core.codes import DIABETIC_RETINOPATHY
from pipelines.core.types import Finding, Laterality, Reading
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import AuditRow
from tests.services.api.conftest import Read, Reader, Web
from tests.services.readings import reading

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


def sign(client: httpx.Client, read: Read, **more: object) -> None:
    """Sign the study's answer, accepting it where nothing else is said."""
    path = f"/api/v1/results/{read.result_id}/reviews"
    answer = client.post(path, json={**SIGN, **more})
    assert answer.status_code == 201, answer.text


def figures_of(client: httpx.Client, path: str = "/api/v1/me/agreement") -> dict[str, Any]:  # Any: JSON
    """The figures of the only pipeline: name -> (count, n)."""
    (told,) = client.get(path).json()["pipelines"]
    return {name: (share["count"], share["n"]) for name, share in (told["figures"] or {}).items()}


def left_eye(grade: int) -> Reading:
    """A machine's reading of the left eye."""
    return reading(findings=(Finding(DIABETIC_RETINOPATHY, "dr_grade", grade, laterality=Laterality.LEFT),))


def test_a_reader_sees_how_often_the_machine_changed_the_mind(web: Web, reader: Reader) -> None:
    client = blind_client(web)
    for grade in (1, 2, 3):
        read = reader.read(answer=left_eye(grade))
        commit(client, read)
        if grade < 3:
            sign(client, read)
        else:
            sign(client, read, verdict="edit", findings=[GRADE_OF_THE_LEFT_EYE])
    assert figures_of(client) == {
        "agreed_before": (1, 3),
        "agreed_after": (2, 3),
        "changed_to_machine": (1, 2),
        "changed_from_machine": (0, 1),
        "change_was_right": (0, 0),
    }


def test_who_agreed_and_signs_otherwise_has_changed_from_the_machine(web: Web, reader: Reader) -> None:
    client, read = blind_client(web), reader.read(answer=left_eye(1))
    commit(client, read)
    sign(client, read, verdict="reject", reason="other")
    assert figures_of(client)["changed_from_machine"] == (1, 1)


def test_a_change_is_right_where_another_reader_decides_so(web: Web, reader: Reader) -> None:
    client, read = blind_client(web), reader.read(answer=left_eye(2))
    commit(client, read)
    sign(client, read)
    newest = client.get(f"/api/v1/studies/{read.study_id}").json()["reviews"][-1]["id"]
    sign(web.client(Role.CLINICIAN, "carol"), read, action="adjudicate", base_review_id=newest)
    assert figures_of(client)["change_was_right"] == (1, 1)


def test_of_images_of_which_neither_can_say_anything_both_say_the_same(web: Web, reader: Reader) -> None:
    client, read = blind_client(web), reader.read(answer=reading(abstained=True, abstain_reason="ungradable"))
    client.post(f"/api/v1/slots/{read.slot_id}/blind-read", json={"ungradable": True})
    assert figures_of(client)["agreed_before"] == (1, 1)


def test_figures_of_all_are_told_of_three_readers_at_least(web: Web, reader: Reader) -> None:
    read, asker = reader.read(answer=left_eye(2)), web.client(Role.CLINICIAN, "carol")
    for number in range(2):
        commit(blind_client(web, f"reader {number}"), read)
    assert figures_of(asker, "/api/v1/agreement") == {}
    commit(blind_client(web, "the third"), read)
    assert figures_of(asker, "/api/v1/agreement")["agreed_before"] == (0, 3)


def test_figures_of_all_leave_out_what_the_asker_reads_blind(web: Web, reader: Reader) -> None:
    read = reader.read()
    for number in range(3):
        commit(blind_client(web, f"reader {number}"), read)
    assert blind_client(web, "the fourth").get("/api/v1/agreement").json()["pipelines"] == []


def test_one_reader_s_figures_are_no_other_s(web: Web, reader: Reader) -> None:
    commit(blind_client(web, "bea"), reader.read())
    assert web.client(Role.ADMIN).get("/api/v1/me/agreement").json()["pipelines"] == []
