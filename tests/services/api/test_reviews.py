"""A reader's word: appended, checked, and carried to the pointer, the worklist, the audit and the events."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from pipelines.core.errors import Forbidden
from services.store.session import unit_of_work
from services.store.states import JobRole, ReviewAction, Role, Verdict
from services.store.stores import Store
from services.store.tables import AuditRow, CurrentResult, OutboxEvent, Review
from services.work.review import Word, review
from tests.services.api.conftest import Read, Reader, Web
from tests.services.overnight import Night, answer, grade

EDIT = [{"label": "dr_grade", "value": 3, "laterality": "L"}]


def say(client: httpx.Client, read: Read, action: str, **word: Any) -> httpx.Response:
    """Send a reader's word."""
    return client.post(f"/api/v1/results/{read.result_id}/reviews", json={"action": action, **word})


def pointer(web: Web, read: Read) -> tuple[str, str | None]:
    """What the slot points to: current and proposed result."""
    with unit_of_work(web.store.database, writing=False) as session:
        row = session.get_one(CurrentResult, read.slot_id)
        return row.result_id, row.proposed_result_id


def line(client: httpx.Client) -> dict[str, Any]:
    """The only line of the worklist."""
    items = client.get("/api/v1/studies").json()["items"]
    assert len(items) == 1
    return items[0]


def test_a_signature_is_written_shown_and_told(web: Web, reader: Reader) -> None:
    read, carol = reader.read(), web.client(Role.CLINICIAN, "carol")
    answer = say(carol, read, "sign", verdict="accept", comment="agreed")
    assert answer.status_code == 201, answer.text
    review = answer.json()
    assert (review["user"]["name"], review["standing"], review["number"]) == ("carol", True, 1)
    assert carol.get(f"/api/v1/results/{read.result_id}/reviews").json()["items"] == [review]
    assert (line(carol)["review_state"], line(carol)["verdict"]) == ("signed", "accept")
    with unit_of_work(web.store.database, writing=False) as session:
        audit = session.scalars(select(AuditRow).where(AuditRow.action == "review.sign")).one()
        event = session.scalars(select(OutboxEvent).where(OutboxEvent.topic == "review")).one()
    assert audit.study_id == read.study_id and audit.subjects["review"] == review["id"]
    assert event.payload["review"] == review["id"] and "agreed" not in str(event.payload) + str(audit.subjects)


def test_an_edit_keeps_the_readers_findings_with_their_codes(web: Web, reader: Reader) -> None:
    read, carol = reader.read(), web.client(Role.CLINICIAN)
    answer = say(carol, read, "sign", verdict="edit", reason="grade_too_low", findings=EDIT)
    assert answer.status_code == 201, answer.text
    (finding,) = answer.json()["findings"]
    assert finding["code"]["value"] == "4855003"
    assert (finding["label"], finding["value"], finding["laterality"]) == ("dr_grade", 3, "L")


UNFIT = (
    ({}, "bad_review"),
    ({"verdict": "edit"}, "bad_review"),
    ({"verdict": "accept", "findings": EDIT}, "bad_review"),
    ({"verdict": "reject"}, "reason_required"),
    ({"verdict": "reject", "reason": "no_such_reason"}, "unknown_reason"),
    ({"verdict": "reject", "reason": "grade_too_low"}, "unknown_reason"),
    ({"verdict": "edit", "findings": [{"label": "tumour", "value": 1}]}, "unknown_label"),
    ({"verdict": "edit", "findings": [{"label": "dr_grade", "value": 5}]}, "bad_finding_value"),
    ({"verdict": "edit", "findings": [{"label": "dr_grade", "value": -1}]}, "bad_finding_value"),
    ({"verdict": "edit", "findings": [{"label": "dr_grade", "value": 2.5}]}, "bad_finding_value"),
    ({"verdict": "edit", "findings": [{"label": "dr_grade", "value": "2"}]}, "bad_finding_value"),
    ({"verdict": "edit", "findings": [{"label": "dr_grade", "value": None}]}, "bad_finding_value"),
    ({"verdict": "edit", "findings": [{"label": "referable_dr", "value": 1.2}]}, "bad_finding_value"),
    ({"verdict": "edit", "findings": [{"label": "dme_risk", "value": 3}]}, "bad_finding_value"),
    ({"verdict": "edit", "findings": EDIT * 2}, "bad_finding_value"),
    ({"verdict": "edit", "findings": EDIT, "mask_id": "0" * 26}, "unknown_mask"),
    ({"verdict": "maybe"}, "invalid_request"),
    ({"verdict": "accept", "comment": "nul \x00"}, "invalid_request"),
    ({"verdict": "accept", "comment": "x" * 10_001}, "invalid_request"),
)


def test_a_word_that_does_not_fit_is_refused(web: Web, reader: Reader) -> None:
    read, carol = reader.read(), web.client(Role.CLINICIAN)
    answers = [say(carol, read, "sign", **word) for word, _ in UNFIT]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, code) for _, code in UNFIT]


def test_the_second_of_two_writers_on_one_base_gets_a_conflict(web: Web, reader: Reader) -> None:
    read, carol, dave = reader.read(), web.client(Role.CLINICIAN), web.client(Role.CLINICIAN)
    first = say(carol, read, "sign", verdict="accept").json()
    late = say(dave, read, "sign", verdict="reject", reason="artefact")
    assert (late.status_code, late.json()["code"]) == (409, "review_conflict")
    again = say(dave, read, "sign", verdict="reject", reason="artefact", base_review_id=first["id"])
    assert again.status_code == 201


def test_of_many_writers_at_once_one_wins(web: Web, reader: Reader) -> None:
    read = reader.read()
    clients = [web.client(Role.CLINICIAN) for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(lambda client: say(client, read, "sign", verdict="accept").status_code, clients))
    assert sorted(answers) == [201, 409, 409, 409]


def test_a_draft_counts_for_nothing(web: Web, reader: Reader) -> None:
    read, carol = reader.read(), web.client(Role.CLINICIAN)
    draft = say(carol, read, "draft", comment="looks worse than that").json()
    assert (line(carol)["review_state"], line(carol)["verdict"]) == ("drafted", None)
    assert say(carol, read, "sign", verdict="accept", base_review_id=draft["id"]).status_code == 201
    assert line(carol)["review_state"] == "signed"


def test_a_reader_takes_back_his_own_last_signature_only(web: Web, reader: Reader) -> None:
    read, carol, dave = reader.read(), web.client(Role.CLINICIAN), web.client(Role.CLINICIAN)
    nothing = say(carol, read, "undo")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "not_signed")
    signed = say(carol, read, "sign", verdict="accept").json()
    foreign = say(dave, read, "undo", base_review_id=signed["id"])
    assert (foreign.status_code, foreign.json()["code"]) == (403, "not_your_signature")
    undone = say(carol, read, "undo", base_review_id=signed["id"])
    assert undone.status_code == 201
    assert line(carol)["review_state"] == "unread"
    history = carol.get(f"/api/v1/results/{read.result_id}/reviews").json()["items"]
    assert [(one["action"], one["standing"]) for one in history] == [("sign", False), ("undo", False)]


def test_a_signed_word_is_amended_by_its_reader_and_adjudicated_by_another(web: Web, reader: Reader) -> None:
    read, carol, dave = reader.read(), web.client(Role.CLINICIAN), web.client(Role.CLINICIAN)
    signed = say(carol, read, "sign", verdict="accept").json()["id"]
    assert say(carol, read, "sign", verdict="accept", base_review_id=signed).json()["code"] == "already_signed"
    assert say(dave, read, "amend", verdict="accept", base_review_id=signed).json()["code"] == "not_your_signature"
    own = say(carol, read, "adjudicate", verdict="accept", base_review_id=signed)
    assert own.json()["code"] == "nothing_to_adjudicate"
    amended = say(carol, read, "amend", verdict="edit", findings=EDIT, base_review_id=signed).json()["id"]
    decided = say(dave, read, "adjudicate", verdict="reject", reason="artefact", base_review_id=amended)
    assert decided.status_code == 201
    history = carol.get(f"/api/v1/results/{read.result_id}/reviews").json()["items"]
    assert [one["standing"] for one in history] == [False, False, True]
    assert line(carol)["verdict"] == "reject"


def test_a_signed_result_stays_the_answer_until_another_is_signed(web: Web, reader: Reader) -> None:
    old, carol = reader.read("twice"), web.client(Role.CLINICIAN)
    signed = say(carol, old, "sign", verdict="accept").json()["id"]
    new = reader.read("twice")
    assert pointer(web, old) == (old.result_id, new.result_id)
    assert carol.get(f"/api/v1/results/{new.result_id}").json()["proposed"] is True
    again = say(carol, new, "sign", verdict="accept", base_review_id=signed).json()["id"]
    assert pointer(web, old) == (new.result_id, None)
    assert say(carol, new, "undo", base_review_id=again).status_code == 201
    assert pointer(web, old) == (old.result_id, new.result_id)


def test_without_a_signature_the_newest_result_is_the_answer_again(web: Web, reader: Reader) -> None:
    old, carol = reader.read("twice"), web.client(Role.CLINICIAN)
    signed = say(carol, old, "sign", verdict="accept").json()["id"]
    new = reader.read("twice")
    assert say(carol, old, "undo", base_review_id=signed).status_code == 201
    assert pointer(web, old) == (new.result_id, None)


def test_a_result_that_a_newer_one_replaced_cannot_be_signed(web: Web, reader: Reader) -> None:
    old = reader.read("twice")
    reader.read("twice")
    answer = say(web.client(Role.CLINICIAN), old, "sign", verdict="accept")
    assert (answer.status_code, answer.json()["code"]) == (409, "superseded")


def test_a_key_that_no_person_made_cannot_sign(web: Web, reader: Reader) -> None:
    read = reader.read()
    key = web.key(Role.ADMIN)
    answer = web.client().post(
        f"/api/v1/results/{read.result_id}/reviews",
        json={"action": "sign", "verdict": "accept"},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "person_needed")


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "technician"}])
def test_who_is_locked_out_while_a_signature_waits_for_its_turn_has_not_signed(
    web: Web, reader: Reader, change: dict[str, object]
) -> None:
    read, carol = reader.read(), web.client(Role.CLINICIAN, "carol")
    person = carol.get("/api/v1/me").json()["user_id"]
    assert web.client(Role.ADMIN).patch(f"/api/v1/users/{person}", json=change).status_code == 200
    waited = Word(ReviewAction.SIGN, Verdict.ACCEPT)
    with pytest.raises(Forbidden):  # its credential was looked at before
        review(web.store, f"user:{person}", person, read.result_id, waited, grace_seconds=0)
    with unit_of_work(web.store.database, writing=False) as session:
        assert session.scalars(select(Review)).all() == []


def test_the_same_request_with_one_idempotency_key_signs_once(web: Web, reader: Reader) -> None:
    read, carol = reader.read(), web.client(Role.CLINICIAN)
    carol.headers["Idempotency-Key"] = "once"
    first = say(carol, read, "sign", verdict="accept")
    second = say(carol, read, "sign", verdict="accept")
    assert (first.status_code, second.status_code, first.json()) == (201, 201, second.json())
    assert second.headers["idempotency-replayed"] == "true"
    other = say(carol, read, "sign", verdict="reject", reason="artefact")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    with unit_of_work(web.store.database, writing=False) as session:
        assert len(session.scalars(select(Review)).all()) == 1


def test_reasons_are_a_list_of_codes_with_their_verdicts_and_pipelines(web: Web) -> None:
    items = web.client(Role.TECHNICIAN).get("/api/v1/reasons").json()["items"]
    assert {
        "code": "grade_too_low",
        "sentence": "The disease is graded too low.",
        "verdicts": ["edit"],
        "pipelines": ["retinopathy"],
    } in items


def test_a_shadow_result_takes_no_review(web: Web, reader: Reader) -> None:
    reader.desk.queue(role=JobRole.SHADOW)
    read = reader.answer_next()
    answer = say(web.client(Role.CLINICIAN), read, "sign", verdict="accept")
    assert (answer.status_code, answer.json()["code"]) == (409, "shadow_result")


def waits(client: httpx.Client, read: Read) -> tuple[bool, bool]:
    """Whether a newer result waits for a reader, as the result itself and as the worklist says it."""
    proposed = client.get(f"/api/v1/results/{read.result_id}").json()["proposed"]
    return proposed, line(client)["proposed_result_id"] == read.result_id


def test_a_signature_settles_only_what_its_reader_was_shown(web: Web, reader: Reader, each_store: Store) -> None:
    old, carol = reader.read("twice"), web.client(Role.CLINICIAN)
    signed = say(carol, old, "sign", verdict="accept").json()["id"]
    new = reader.read("twice")
    word = {"verdict": "edit", "findings": EDIT}
    unseen = say(carol, old, "amend", base_review_id=signed, seen_result_ids=[old.result_id], **word).json()["id"]
    assert waits(carol, new) == (True, True)
    with unit_of_work(each_store.database, writing=False) as session:
        audit = session.scalars(select(AuditRow).where(AuditRow.action == "review.amend")).one()
    assert audit.subjects["not_seen"] == new.result_id
    shown = [old.result_id, new.result_id]
    seen = say(carol, old, "amend", base_review_id=unseen, seen_result_ids=shown, **word).json()["id"]
    assert waits(carol, new) == (False, False)
    late = say(carol, old, "amend", base_review_id=seen, seen_result_ids=[old.result_id], **word)
    assert (late.status_code, waits(carol, new)) == (201, (False, False))


def test_a_signature_that_does_not_say_what_was_shown_settles_what_is_proposed(web: Web, reader: Reader) -> None:
    old, carol = reader.read("twice"), web.client(Role.CLINICIAN)
    signed = say(carol, old, "sign", verdict="accept").json()["id"]
    new = reader.read("twice")
    assert say(carol, old, "amend", verdict="edit", findings=EDIT, base_review_id=signed).status_code == 201
    assert waits(carol, new) == (False, False)


def test_what_a_night_found_and_a_signature_did_not_see_stays_marked(web: Web, reader: Reader, night: Night) -> None:
    old, carol = reader.read("s1", grade(1)), web.client(Role.CLINICIAN)
    found = answer(reader.desk, night.item("s1"), grade(2))
    signed = say(carol, old, "sign", verdict="accept", seen_result_ids=[old.result_id]).json()["id"]
    assert (line(carol)["change"], line(carol)["review_state"]) == ("crossed", "signed")
    say(carol, old, "amend", verdict="accept", base_review_id=signed, seen_result_ids=[old.result_id, found])
    assert line(carol)["change"] is None


@pytest.fixture
def night(reader: Reader) -> Night:
    """A batch of the archive."""
    made = Night(reader.desk)
    made.begin()
    return made
