"""Users, keys, audit, rejections and models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from services.store import audit, rejections
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import ApiKey, IdempotencyKey
from tests.services.api.conftest import PASSWORD, Reader, Web
from tests.services.conftest import Desk


def test_an_administrator_adds_changes_and_locks_a_user(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    added = admin.post("/api/v1/users", json={"name": "carol", "password": PASSWORD, "role": "technician"})
    assert added.status_code == 201 and "password" not in added.text
    path = f"/api/v1/users/{added.json()['id']}"
    assert admin.patch(path, json={"role": "clinician"}).json()["role"] == "clinician"
    assert web.browser("carol").get("/api/v1/me").json()["role"] == "clinician"
    assert admin.patch(path, json={"disabled": True}).json()["disabled_at"] is not None
    refused = web.client().post("/api/v1/session", json={"name": "carol", "password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (401, "wrong_login")


def test_a_name_is_given_once_and_a_password_is_long(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    carol = {"name": "carol", "password": PASSWORD, "role": "technician"}
    codes = [
        admin.post("/api/v1/users", json=body).json().get("code")
        for body in (carol, carol, carol | {"name": "dave", "password": "short"})
    ]
    assert codes == [None, "user_exists", "invalid_request"]


def test_an_administrator_cannot_lock_himself_out(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    own = f"/api/v1/users/{admin.get('/api/v1/me').json()['user_id']}"
    answers = [admin.patch(own, json=change) for change in ({"disabled": True}, {"role": "technician"})]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "own_account")}


def test_a_key_of_no_person_cannot_remove_the_last_administrator(web: Web) -> None:
    first, second = (web.user(Role.ADMIN, name) for name in ("anna", "otto"))
    machine = web.client()
    machine.headers["Authorization"] = f"Bearer {web.key(Role.ADMIN)}"
    assert machine.patch(f"/api/v1/users/{second}", json={"role": "clinician"}).status_code == 200
    answers = [
        machine.patch(f"/api/v1/users/{first}", json=change) for change in ({"disabled": True}, {"role": "clinician"})
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "last_admin")}
    assert machine.patch(f"/api/v1/users/{second}", json={"disabled": True}).status_code == 200


def test_a_key_is_shown_once_and_revoked_for_good(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    made = admin.post("/api/v1/keys", json={"name": "camera", "role": "technician"}).json()
    listed = admin.get("/api/v1/keys")
    assert made["key"] not in listed.text
    with unit_of_work(web.store.database, writing=False) as session:
        assert made["key"] not in {row.key_hash for row in session.scalars(select(ApiKey))}
    camera = web.client()
    camera.headers["Authorization"] = f"Bearer {made['key']}"
    assert camera.get("/api/v1/me").json()["role"] == "technician"
    [row] = admin.get("/api/v1/audit", params={"action": "key.added"}).json()["items"]  # as at the command line
    assert row["subjects"] == {"key": made["id"], "role": "technician"}
    assert admin.delete(f"/api/v1/keys/{made['id']}").status_code == 204
    assert camera.get("/api/v1/me").status_code == 401


def test_the_secret_of_a_key_is_not_kept_for_repeated_requests(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    admin.headers["Idempotency-Key"] = "camera-1"
    body = {"name": "camera", "role": "technician"}
    first, second = (admin.post("/api/v1/keys", json=body).json() for _ in range(2))
    assert first["id"] == second["id"] and second["key"] is None
    with unit_of_work(web.store.database, writing=False) as session:
        assert first["key"] not in str(session.scalars(select(IdempotencyKey)).one().answer)


def test_the_audit_is_listed_and_filtered(web: Web, reader: Reader) -> None:
    read, admin = reader.read(), web.client(Role.ADMIN)
    admin.get(f"/api/v1/studies/{read.study_id}")
    mine = admin.get("/api/v1/me").json()["id"]
    rows = admin.get("/api/v1/audit", params={"study": read.study_id, "by": mine}).json()["items"]
    seen = [(row["action"], row["actor"], row["study_id"]) for row in rows]
    assert seen == [("answer.shown", mine, read.study_id), ("study.opened", mine, read.study_id)]
    saved = admin.get("/api/v1/audit", params={"action": "result.saved"}).json()["items"]
    assert [row["subjects"]["result"] for row in saved] == [read.result_id]


def test_what_was_refused_is_listed_with_its_code(web: Web) -> None:
    with unit_of_work(web.store.database) as session:
        for code in ("not_dicom", "empty_file"):
            facts = {"code": code, "sentence": "no", "size": 3, "quarantined": None}
            rejections.add(session, new_id(), actor="system", source="rest", **facts)
    client = web.client(Role.TECHNICIAN)
    assert [row["code"] for row in client.get("/api/v1/rejections").json()["items"]] == ["empty_file", "not_dicom"]
    only = client.get("/api/v1/rejections", params={"code": "not_dicom"}).json()["items"]
    assert [(row["bytes"], row["quarantined"]) for row in only] == [(3, False)]


def test_a_model_shows_its_versions_and_is_retired_and_promoted(web: Web, desk: Desk) -> None:
    desk.queue()  # makes the model
    admin, path = web.client(Role.ADMIN), "/api/v1/models/fundus_dr_grading"
    (model,) = admin.get("/api/v1/models").json()["items"]
    assert (model["name"], model["active"], model["versions"][0]["state"]) == ("fundus_dr_grading", "1.0.0", "active")
    decision = {"version": "1.0.0", "reason": "a colour shortcut"}
    assert admin.post(f"{path}/retire", json=decision).json()["active"] is None
    promoted = admin.post(f"{path}/promote", json=decision | {"reason": "fixed"}).json()
    assert promoted["active"] == "1.0.0"
    assert [event["reason"] for event in promoted["events"]][:2] == ["fixed", "a colour shortcut"]
    assert admin.get("/api/v1/models/none").json()["code"] == "unknown_model"
    assert admin.post(f"{path}/promote", json=decision | {"version": "9"}).json()["code"] == "unknown_model"
    assert web.client(Role.CLINICIAN).post(f"{path}/promote", json=decision).status_code == 403


def test_the_audit_names_people_and_says_what_is_sealed(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    user_id = web.user(Role.ADMIN, "the auditor")
    with unit_of_work(web.store.database) as session:
        audit.record(session, f"user:{user_id}", "queue.paused", queue="retinopathy")
    [row] = admin.get("/api/v1/audit", params={"action": "queue.paused"}).json()["items"]
    assert (row["actor_name"], row["link"]) == ("the auditor", None)
    waiting = admin.get("/api/v1/audit/chain").json()
    assert (waiting["number"], waiting["unsealed"], waiting["actions"]) == (0, 1, ["queue.paused"])
    audit.seal(web.store)
    [row] = admin.get("/api/v1/audit", params={"action": "queue.paused"}).json()["items"]
    sealed = admin.get("/api/v1/audit/chain").json()
    assert (row["link"], sealed["number"], sealed["unsealed"], sealed["unsealed_since"]) == (1, 1, 0, None)


def test_the_audit_of_a_day_is_what_happened_on_it(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    with unit_of_work(web.store.database) as session:
        audit.record(session, "system", "queue.paused", queue="retinopathy")
    now = datetime.now(UTC)
    today = {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    earlier = {"since": "1900-01-01T00:00:00Z", "until": (now - timedelta(hours=1)).isoformat()}
    assert len(admin.get("/api/v1/audit", params=today).json()["items"]) == 1
    assert admin.get("/api/v1/audit", params=earlier).json()["items"] == []
    assert admin.get("/api/v1/audit", params={"since": "2026-01-01"}).status_code == 422
