"""What a batch changed, over HTTP: ranked, side by side, with the reader's word and the worklist's mark."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from pipelines.core.types import ModelRef
from services.store import changes, models
from services.store.session import unit_of_work
from services.store.states import JobRole, ModelState, Role
from services.store.stores import Store
from services.store.tables import AuditRow, ModelVersion
from tests.services.api.conftest import Read, Reader, Web
from tests.services.conftest import Desk
from tests.services.overnight import Night, grade


@pytest.fixture
def night(desk: Desk) -> Night:
    """A batch that has begun."""
    night = Night(desk)
    night.begin()
    return night


def changed(night: Night, reader: Reader, study: str, old: int | None, new: int | None) -> tuple[Read, Read]:
    """A study that was read live, then by the batch."""
    first = reader.read(study, grade(old))
    night.item(study)
    return first, reader.answer_next(grade(new))


def test_changes_come_gravest_first_and_page_by_page(web: Web, reader: Reader, night: Night) -> None:
    changed(night, reader, "same", 1, 1)
    down, _ = changed(night, reader, "down", 2, 0)
    up, _ = changed(night, reader, "up", 1, 3)
    step, _ = changed(night, reader, "step", 2, 3)
    client, path = web.client(Role.TECHNICIAN), f"/api/v1/batches/{night.id}/changes"
    first = client.get(path, params={"limit": 2}).json()
    second = client.get(path, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    told = [item["study_id"] for page in (first, second) for item in page["items"]]
    assert told == [up.study_id, down.study_id, step.study_id]
    assert second["next_cursor"] is None
    crossed = client.get(path, params={"kind": "none"}).json()["items"]
    assert [item["headline"] for item in crossed] == ["no change"]


def test_a_change_shows_both_answers_with_their_explanations_and_files(web: Web, reader: Reader, night: Night) -> None:
    old, new = changed(night, reader, "one", 1, 2)
    (item,) = web.client(Role.CLINICIAN).get(f"/api/v1/batches/{night.id}/changes").json()["items"]
    assert (item["kind"], item["headline"]) == ("crossed", "DR grade 1 -> 2, now referable")
    for side, read, value in (("old", old, 1), ("new", new, 2)):
        assert item[side]["result_id"] == read.result_id
        assert item[side]["findings"][0]["value"] == value
        file = web.client(Role.CLINICIAN).get(item[side]["artifacts"][0]["url"])
        assert (file.status_code, file.content) == (200, b"pixels")
    assert item["review"] is None
    assert item["worklist"]["marked"] is True
    assert item["worklist"]["proposed_result_id"] == new.result_id
    with unit_of_work(web.store.database, writing=False) as session:
        looks = session.query(AuditRow).filter_by(action="batch.changes_opened").all()
    assert [look.subjects["batch"] for look in looks] == [night.id]


def test_a_signed_study_says_with_which_answer_its_reader_agrees(web: Web, reader: Reader, night: Night) -> None:
    old = reader.read("one", grade(1))
    client = web.client(Role.CLINICIAN)
    word = {"action": "sign", "verdict": "accept"}
    assert client.post(f"/api/v1/results/{old.result_id}/reviews", json=word).status_code == 201
    night.item("one")
    new = reader.answer_next(grade(2))
    (item,) = client.get(f"/api/v1/batches/{night.id}/changes").json()["items"]
    assert (item["review"]["agrees_with_old"], item["review"]["agrees_with_reader"]) == (True, False)
    study = client.get(f"/api/v1/studies/{old.study_id}").json()
    standing = {result["id"]: (result["current"], result["proposed"]) for result in study["results"]}
    assert standing == {old.result_id: (True, False), new.result_id: (False, True)}
    assert [(one["slot_id"], one["headline"]) for one in study["changes"]] == [
        (old.slot_id, "DR grade 1 -> 2, now referable")
    ]


def test_the_worklist_carries_the_mark_until_a_reader_signs(web: Web, reader: Reader, night: Night) -> None:
    old, _ = changed(night, reader, "one", 1, 2)
    reader.read("other", grade(0))
    client = web.client(Role.CLINICIAN)
    for wanted in ("any", "crossed"):
        (row,) = client.get("/api/v1/studies", params={"change": wanted}).json()["items"]
        assert (row["id"], row["change"], row["change_batch_id"]) == (old.study_id, "crossed", night.id)
        assert (row["change_headline"], row["change_weight"]) == ("DR grade 1 -> 2, now referable", 101.0)
    assert client.get("/api/v1/studies", params={"change": "answered"}).json()["items"] == []
    word = {"action": "sign", "verdict": "accept"}
    client.post(f"/api/v1/results/{old.result_id}/reviews", json=word)
    assert client.get("/api/v1/studies", params={"change": "any"}).json()["items"] == []


def test_a_draft_on_a_study_with_a_proposal_leaves_the_answer_where_it_was(
    web: Web, reader: Reader, night: Night
) -> None:
    old, new = changed(night, reader, "one", 1, 2)
    client = web.client(Role.CLINICIAN)
    client.post(f"/api/v1/results/{old.result_id}/reviews", json={"action": "draft"})
    assert client.get(f"/api/v1/results/{old.result_id}").json()["current"] is True
    assert client.get(f"/api/v1/results/{new.result_id}").json()["proposed"] is True


def test_a_signed_proposal_becomes_the_answer_and_undone_a_proposal_again(
    web: Web, reader: Reader, night: Night
) -> None:
    old, new = changed(night, reader, "one", 1, 2)
    client = web.client(Role.CLINICIAN)
    word = {"action": "sign", "verdict": "accept"}
    signed = client.post(f"/api/v1/results/{new.result_id}/reviews", json=word).json()
    assert client.get(f"/api/v1/results/{new.result_id}").json()["current"] is True
    undo = {"action": "undo", "base_review_id": signed["id"]}
    assert client.post(f"/api/v1/results/{new.result_id}/reviews", json=undo).status_code == 201
    assert client.get(f"/api/v1/results/{old.result_id}").json()["current"] is True
    assert client.get(f"/api/v1/results/{new.result_id}").json()["proposed"] is True


def waits(client: httpx.Client, old: Read, new: Read) -> tuple[str | None, str | None, bool, int]:
    """What worklist and study say of a proposal: the row's, its mark, the result's own, and the study's changes."""
    (row,) = client.get("/api/v1/studies").json()["items"]
    proposed = client.get(f"/api/v1/results/{new.result_id}").json()["proposed"]
    marks = client.get(f"/api/v1/studies/{old.study_id}").json()["changes"]
    return row["proposed_result_id"], row["change"], proposed, len(marks)


def say(client: httpx.Client, read: Read, action: str, base: str | None = None) -> str:
    """A word on a result; returns its id."""
    verdict = None if action == "undo" else "accept"
    word = {"action": action, "verdict": verdict, "base_review_id": base}
    answer = client.post(f"/api/v1/results/{read.result_id}/reviews", json=word)
    assert answer.status_code == 201
    return str(answer.json()["id"])


def test_a_signature_on_the_answer_before_settles_the_proposal_until_it_is_undone(
    each_store: Store, web: Web, reader: Reader, night: Night
) -> None:
    old, new = changed(night, reader, "one", 1, 2)
    client, open_yet = web.client(Role.CLINICIAN), (new.result_id, "crossed", True, 1)
    assert waits(client, old, new) == open_yet
    signed = say(client, old, "sign")
    assert waits(client, old, new) == (None, None, False, 0)
    (item,) = client.get(f"/api/v1/batches/{night.id}/changes").json()["items"]
    assert (item["worklist"]["marked"], item["worklist"]["proposed_result_id"]) == (False, None)
    say(client, old, "undo", signed)
    assert waits(client, old, new) == open_yet


def test_a_signature_from_before_the_proposal_leaves_it_open_until_the_next_one(
    each_store: Store, web: Web, reader: Reader, night: Night
) -> None:
    old = reader.read("one", grade(1))
    client = web.client(Role.CLINICIAN)
    signed = say(client, old, "sign")
    night.item("one")
    new = reader.answer_next(grade(2))
    assert waits(client, old, new) == (new.result_id, "crossed", True, 1)
    say(client, old, "amend", signed)
    assert waits(client, old, new) == (None, None, False, 0)


def test_a_settled_proposal_is_not_marked_again_by_a_batch_that_finds_the_same(
    each_store: Store, desk: Desk, web: Web, reader: Reader, night: Night
) -> None:
    old, new = changed(night, reader, "one", 1, 2)
    client = web.client(Role.CLINICIAN)
    say(client, old, "sign")
    again = Night(desk)
    again.begin()
    again.item("one", new.job_id)
    with unit_of_work(each_store.database) as session:
        changes.settle(session, new.job_id, new.result_id)
    assert again.found(new.job_id).weight > 0
    assert waits(client, old, new) == (None, None, False, 0)
    (item,) = client.get(f"/api/v1/batches/{again.id}/changes").json()["items"]
    assert item["worklist"]["marked"] is False


def test_another_result_after_a_settled_proposal_waits_for_a_reader_again(
    each_store: Store, desk: Desk, web: Web, reader: Reader, night: Night
) -> None:
    old, _ = changed(night, reader, "one", 1, 2)
    client = web.client(Role.CLINICIAN)
    say(client, old, "sign")
    later = Night(desk)
    later.begin()
    later.item("one")
    newer = reader.answer_next(grade(3))
    assert waits(client, old, newer) == (newer.result_id, "crossed", True, 1)


def test_what_a_shadow_reads_stands_on_no_page_of_the_study(web: Web, reader: Reader) -> None:
    read = reader.read("one", grade(1))
    reader.desk.queue(study="one", role=JobRole.SHADOW)
    silent = reader.answer_next(grade(4))
    client = web.client(Role.CLINICIAN)
    study = client.get(f"/api/v1/studies/{read.study_id}").json()
    assert [result["id"] for result in study["results"]] == [read.result_id]
    assert [job["id"] for job in study["jobs"]] == [read.job_id]
    assert client.get("/api/v1/studies").json()["items"][0]["headline"] == "DR grade 1"
    assert client.get(f"/api/v1/results/{silent.result_id}").json()["role"] == "shadow"
    told = client.get(f"/api/v1/studies/{read.study_id}/events").json()["items"]
    assert {event["payload"]["job"] for event in told if "job" in event["payload"]} == {read.job_id}


def test_an_unknown_batch_and_a_broken_cursor_are_refused(web: Web, night: Night) -> None:
    client = web.client(Role.TECHNICIAN)
    assert client.get("/api/v1/batches/01JD8Q3Z5V7Y9XK2M4N6P8R0ST/changes").status_code == 404
    answer = client.get(f"/api/v1/batches/{night.id}/changes", params={"cursor": "xx"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


def test_a_summary_is_a_document_a_table_or_a_page(web: Web, reader: Reader, night: Night) -> None:
    changed(night, reader, "one", 1, 2)
    client, path = web.client(Role.TECHNICIAN), f"/api/v1/batches/{night.id}/summary"
    document = client.get(path).json()
    assert (document["items"]["done"], document["crossings"]["up"], document["window"]) == (1, 1, None)
    table = client.get(path, params={"format": "csv"})
    assert (table.headers["content-type"], table.text.splitlines()[0]) == (
        "text/csv; charset=utf-8",
        "section,name,row,column,value",
    )
    page = client.get(path, params={"format": "pdf"})
    assert (page.headers["content-type"], page.content[:5]) == ("application/pdf", b"%PDF-")
    assert client.get(path, params={"format": "doc"}).status_code == 422
    assert client.get("/api/v1/batches/01JD8Q3Z5V7Y9XK2M4N6P8R0ST/summary").status_code == 404


def test_a_model_is_shadowed_compared_promoted_and_rolled_back(web: Web, reader: Reader, desk: Desk) -> None:
    reader.read("one", grade(1))
    with unit_of_work(web.store.database) as session:
        first = session.get_one(ModelVersion, desk.model_id)
        told = {
            name: getattr(first, name) for name in ("name", "pipeline", "bundle_sha256", "thresholds", "facts", "card")
        }
        second = ModelVersion(**told, version="2.0.0", sha256="2" * 64, weights_sha256="3" * 64)
        session.add(second)
        session.flush()
        models.add_event(session, second.id, ModelState.REGISTERED, "system", "test")
    admin, path = web.client(Role.ADMIN), "/api/v1/models/fundus_dr_grading"
    decision = {"version": "2.0.0", "reason": "let us see"}
    assert web.client(Role.CLINICIAN).post(f"{path}/shadow", json=decision).status_code == 403
    states = {one["version"]: one["state"] for one in admin.post(f"{path}/shadow", json=decision).json()["versions"]}
    assert states == {"1.0.0": "active", "2.0.0": "shadow"}
    reader.desk.queue(study="one", role=JobRole.SHADOW)
    reader.answer_next(replace(grade(2), model=ModelRef("fundus_dr_grading", "2.0.0", "3" * 64)))
    figures = web.client(Role.TECHNICIAN).get(f"{path}/comparison").json()
    assert (figures["n"], figures["crossings"], figures["agreement"]["count"]) == (1, {"up": 1, "down": 0}, 0)
    assert admin.get(path).json()["before"] is None
    promoted = admin.post(f"{path}/promote", json=decision).json()
    assert promoted["before"] == "1.0.0"
    assert (promoted["active"], promoted["events"][0]["comparison"]["n"]) == ("2.0.0", 1)
    back = admin.post(f"{path}/rollback", json={"reason": "alarms"}).json()
    assert (back["active"], back["before"]) == ("1.0.0", None)
    assert admin.get(f"{path}/comparison", params={"version": "9"}).json()["code"] == "unknown_model"
