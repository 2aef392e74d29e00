"""Views of the worklist, how much they hold, who is to read what, and studies of several sites."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from pipelines.core.types import Urgency
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import AuditRow, Study, WorklistRow
from tests.conftest import ophthalmic_dataset
from tests.services.api.conftest import Read, Reader, Web
from tests.services.readings import reading

API = "/api/v1"
NOBODY = "01JD8Q3Z5V7Y9XK2M4N6P8R0ST"
URGENT = {"name": "urgent eyes", "filters": {"urgency": "urgent", "review_state": "open"}}


def listed(client: httpx.Client, **filters: str) -> list[dict[str, Any]]:
    """The rows that pass; Any: JSON."""
    items: list[dict[str, Any]] = client.get(f"{API}/studies", params=filters).json()["items"]
    return items


def with_key(web: Web, key: str) -> httpx.Client:
    """A client with this key."""
    client = web.client()
    client.headers["Authorization"] = f"Bearer {key}"
    return client


def assign(client: httpx.Client, rows: list[str], to: str | None, **more: bool) -> Any:
    """Assign readings; Any: JSON."""
    return client.post(f"{API}/assignments", json={"row_ids": rows, "user_id": to, **more}).json()


def sign(client: httpx.Client, read: Read, verdict: str = "accept", **more: object) -> None:
    """The reader's word on a result."""
    word = {"action": "sign", "verdict": verdict, "base_review_id": None, **more}
    answer = client.post(f"{API}/results/{read.result_id}/reviews", json=word)
    assert answer.status_code == 201, answer.text


def test_counts_say_how_much_passes_and_in_which_state(web: Web, reader: Reader) -> None:
    signed = reader.read(answer=reading(urgency=Urgency.STAT))
    reader.read(answer=reading(urgency=Urgency.URGENT))
    reader.desk.queue()
    client = web.client(Role.CLINICIAN)
    sign(client, signed)
    counts = client.get(f"{API}/studies/counts").json()
    assert counts == {
        "total": 3,
        "capped": False,
        "review_state": {"signed": 1, "unread": 2},
        "urgency": {"stat": 1, "urgent": 1},
        "job_state": {"succeeded": 2, "queued": 1},
    }
    assert client.get(f"{API}/studies/counts", params={"review_state": "open", "urgency": "stat"}).json()["total"] == 0


def test_what_a_reader_overruled_is_a_disagreement(web: Web, reader: Reader) -> None:
    read, other = reader.read(), reader.read()
    client = web.client(Role.CLINICIAN)
    sign(client, read, "reject", reason="not_gradable")
    sign(client, other)
    assert [row["disagreement"] for row in listed(client, disagreement="any")] == ["reader"]
    assert [row["id"] for row in listed(client, disagreement="reader")] == [read.study_id]
    assert listed(client, disagreement="shadow") == []


def test_a_reader_takes_readings_and_gives_them_back(web: Web, reader: Reader) -> None:
    reader.read()
    client = web.client(Role.CLINICIAN, "alice")
    [row] = listed(client)
    assert assign(client, [row["row_id"], NOBODY], "me") == {
        "assigned": [row["row_id"]],
        "not_found": [NOBODY],
        "conflicts": [],
    }
    assert [each["assignee_name"] for each in listed(client, assignee="me")] == ["alice"]
    assert listed(client, assignee="none") == []
    assign(client, [row["row_id"]], None, take_over=True)
    assert [each["assignee_name"] for each in listed(client, assignee="none")] == [None]
    with unit_of_work(web.store.database, writing=False) as session:
        written = session.scalars(select(AuditRow).where(AuditRow.action == "reading.assigned")).all()
    assert [each.study_id for each in written] == [row["id"], row["id"]]


def test_another_readers_reading_is_taken_over_only_on_purpose(web: Web, reader: Reader) -> None:
    reader.read()
    alice, bob = web.client(Role.CLINICIAN, "alice"), web.client(Role.CLINICIAN, "bob")
    [row] = [row["row_id"] for row in listed(alice)]
    assign(alice, [row], "me")
    assert [each["code"] for each in assign(bob, [row], "me")["conflicts"]] == ["assigned_to_another"]
    assert assign(bob, [row], "me", take_over=True)["assigned"] == [row]
    assert [each["assignee_name"] for each in listed(bob)] == ["bob"]


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "technician"}])
def test_what_somebody_held_who_may_not_read_any_more_is_free(
    web: Web, reader: Reader, change: dict[str, object]
) -> None:
    reader.read()
    alice, bob = web.client(Role.CLINICIAN, "alice"), web.client(Role.CLINICIAN, "bob")
    [row] = [row["row_id"] for row in listed(alice)]
    assign(alice, [row], "me")
    gone = alice.get(f"{API}/me").json()["user_id"]
    assert web.client(Role.ADMIN).patch(f"{API}/users/{gone}", json=change).status_code == 200
    assert assign(bob, [row], "me")["assigned"] == [row]


def test_what_is_signed_or_not_to_be_read_is_not_assigned(web: Web, reader: Reader) -> None:
    read = reader.read()
    client = web.client(Role.CLINICIAN)
    sign(client, read)
    [row] = [row["row_id"] for row in listed(client)]
    assert [each["code"] for each in assign(client, [row], "me")["conflicts"]] == ["signed"]


def test_only_who_may_sign_is_given_readings(web: Web, reader: Reader) -> None:
    reader.read()
    clinician = web.client(Role.CLINICIAN, "alice")
    [row] = [row["row_id"] for row in listed(clinician)]
    technician = web.user(Role.TECHNICIAN, "tess")
    refused = clinician.post(f"{API}/assignments", json={"row_ids": [row], "user_id": technician})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert [each["name"] for each in clinician.get(f"{API}/readers").json()["items"]] == ["alice"]
    asked = web.client(Role.TECHNICIAN).post(f"{API}/assignments", json={"row_ids": [row], "user_id": None})
    assert asked.status_code == 403


def test_a_reader_keeps_changes_and_forgets_a_view(web: Web, reader: Reader) -> None:
    reader.read(answer=reading(urgency=Urgency.URGENT))
    alice, bob = web.client(Role.CLINICIAN, "alice"), web.client(Role.CLINICIAN, "bob")
    view = alice.post(f"{API}/views", json=URGENT).json()
    assert (view["name"], view["filters"]) == ("urgent eyes", URGENT["filters"])
    assert alice.post(f"{API}/views", json=URGENT).json()["code"] == "view_exists"
    assert bob.post(f"{API}/views", json=URGENT).status_code == 201
    changed = alice.put(f"{API}/views/{view['id']}", json=URGENT | {"name": "eyes"})
    assert changed.json()["name"] == "eyes"
    assert bob.put(f"{API}/views/{view['id']}", json=URGENT).status_code == 404
    counted = {each["key"]: each for each in alice.get(f"{API}/views/counts").json()["views"]}
    assert (counted[view["id"]]["total"], counted["to_read"]["total"], counted["mine"]["total"]) == (1, 1, 0)
    assert alice.delete(f"{API}/views/{view['id']}").status_code == 204
    assert alice.get(f"{API}/views").json()["items"] == []


@pytest.mark.parametrize("filters", [{"colour": "blue"}, {"urgency": "soon"}, {"assignee": "everyone"}])
def test_a_view_of_filters_that_nobody_knows_is_refused(web: Web, filters: dict[str, str]) -> None:
    answer = web.client(Role.CLINICIAN).post(f"{API}/views", json={"name": "odd", "filters": filters})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_key_that_is_nobodys_has_no_views_and_no_readings(web: Web) -> None:
    client = with_key(web, web.key(Role.CLINICIAN))
    codes = [client.get(f"{API}{path}").json().get("code") for path in ("/views", "/studies?assignee=me")]
    assert codes == ["no_person", "no_person"]
    assert "mine" not in {each["key"] for each in client.get(f"{API}/views/counts").json()["views"]}


def test_a_study_of_another_site_stands_in_one_list_with_the_others(web: Web, reader: Reader) -> None:
    here, there = reader.read(answer=reading(urgency=Urgency.STAT)), reader.read()
    admin = web.client(Role.ADMIN)
    site = admin.post(f"{API}/sites", json={"name": "north"}).json()["id"]
    assert admin.post(f"{API}/sites", json={"name": "north"}).json()["code"] == "site_exists"
    with unit_of_work(web.store.database) as session:
        for table, column in ((Study, Study.id), (WorklistRow, WorklistRow.study_id)):
            session.execute(update(table).where(column == there.study_id).values(site_id=site))
    assert [row["id"] for row in listed(admin)] == [here.study_id, there.study_id]
    assert [row["id"] for row in listed(admin, site=site)] == [there.study_id]
    assert admin.get(f"{API}/studies/counts", params={"site": site}).json()["total"] == 1
    counted = {each["key"]: each for each in admin.get(f"{API}/views/counts").json()["views"]}
    assert (counted[f"site:{site}"]["name"], counted[f"site:{site}"]["total"]) == ("north", 1)


def test_what_a_sites_key_sends_is_that_sites(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    site = admin.post(f"{API}/sites", json={"name": "north"}).json()["id"]
    key = admin.post(f"{API}/keys", json={"name": "camera", "role": "technician", "site_id": site}).json()
    assert key["site_id"] == site
    image = io.BytesIO()
    ophthalmic_dataset({}).save_as(image, enforce_file_format=True)
    sent = with_key(web, key["key"]).post(f"{API}/studies", files={"files": ("eye.dcm", image.getvalue())})
    assert sent.status_code == 202, sent.text
    assert [row["site_id"] for row in listed(admin)] == [site]
