"""Retention and legal holds over the API: administrators alone, and nothing acts unseen."""

from __future__ import annotations

from services.store.states import Role
from tests.services.api.conftest import Reader, Web

POLICY = {"name": "signed after ten years", "states": ["signed"], "older_than_days": 3650}
ROUTE = "/api/v1/retention"


def test_a_policy_is_added_looked_at_approved_and_ended(web: Web, reader: Reader) -> None:
    reader.read()
    admin = web.client(Role.ADMIN)
    policy = admin.post(ROUTE, json=POLICY)
    assert (policy.status_code, policy.json()["approved_by"]) == (201, None)
    place = f"{ROUTE}/{policy.json()['id']}"
    seen = admin.get(f"{place}/preview").json()
    assert (seen["studies"], seen["study_ids"]) == (0, [])
    other = admin.post(f"{place}/approve", json={"studies": 1})
    assert (other.status_code, other.json()["code"]) == (409, "preview_changed")
    assert admin.post(f"{place}/approve", json={"studies": 0}).json()["approved_by"] is not None
    assert [one["name"] for one in admin.get(ROUTE).json()["items"]] == [POLICY["name"]]
    assert admin.delete(place).status_code == 204
    assert admin.get(ROUTE).json()["items"] == []
    assert admin.delete(place).status_code == 404


def test_a_policy_without_a_state_or_of_no_pipeline_is_refused(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    refused = [POLICY | {"states": []}, POLICY | {"older_than_days": 0}, POLICY | {"pipeline": "astrology"}]
    assert [admin.post(ROUTE, json=body).status_code for body in refused] == [422, 422, 422]


def test_only_administrators_may_remove_or_hold_anything(web: Web, reader: Reader) -> None:
    study_id, reading = reader.read().study_id, web.client(Role.CLINICIAN)
    answers = [
        reading.get(ROUTE),
        reading.post(ROUTE, json=POLICY),
        reading.post(f"/api/v1/studies/{study_id}/hold", json={"reason": "x"}),
        reading.delete(f"/api/v1/studies/{study_id}/hold"),
    ]
    assert {answer.status_code for answer in answers} == {403}


def test_a_hold_is_shown_to_all_and_its_reason_to_administrators(web: Web, reader: Reader) -> None:
    study_id, admin = reader.read().study_id, web.client(Role.ADMIN)
    place = f"/api/v1/studies/{study_id}/hold"
    assert admin.post(place, json={"reason": "litigation 2026/114"}).json()["legal_hold"]
    assert admin.get(place).json()["reason"] == "litigation 2026/114"
    shown = web.client(Role.TECHNICIAN).get(f"/api/v1/studies/{study_id}")
    assert shown.json()["legal_hold"] and "litigation" not in shown.text
    assert admin.delete(place).status_code == 204
    assert admin.get(place).json() == {"study_id": study_id, "legal_hold": False, "reason": None}
