"""What readers have looked at of what a batch changed: kept for all of them, counted, taken back by who said it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
import pytest

from services.store import changes
from services.store.session import unit_of_work
from services.store.states import BatchItemState, Role
from services.store.stores import Store
from services.store.tables import AuditRow, BatchItem, OutboxEvent
from tests.services.api.conftest import Read, Reader, Web
from tests.services.api.test_blind import blind_client
from tests.services.conftest import Desk
from tests.services.overnight import Night, grade

Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True)
class Morning:
    """A batch that changed some studies, and a reader's client."""

    web: Web
    reader: Reader
    night: Night
    client: httpx.Client

    @property
    def path(self) -> str:
        """Where its changes are."""
        return f"/api/v1/batches/{self.night.id}/changes"

    def changed(self, study: str, old: int, new: int) -> Read:
        """A study that was read live, then otherwise by the batch."""
        self.reader.read(study, grade(old))
        self.night.item(study)
        return self.reader.answer_next(grade(new))

    def page(self, **params: Any) -> Json:  # Any: query parameters
        """A page of changes, as the reader asks for it."""
        answer: Json = self.client.get(self.path, params=params).json()
        return answer

    def see(self, item: Json, client: httpx.Client | None = None, key: str | None = None) -> httpx.Response:
        """Mark a change as seen."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"new_result_id": item["new"]["result_id"]}
        return (client or self.client).post(f"{self.path}/{item['id']}/seen", json=body, headers=headers)

    def unsee(self, item: Json, client: httpx.Client | None = None) -> httpx.Response:
        """Take the mark back."""
        return (client or self.client).delete(f"{self.path}/{item['id']}/seen")

    def audited(self) -> list[tuple[str, str]]:
        """Who said what of changes, in order."""
        with unit_of_work(self.web.store.database, writing=False) as session:
            rows = session.query(AuditRow).filter(AuditRow.action.like("batch.change\\_%", escape="\\"))
            return [(row.actor, row.action) for row in rows.order_by(AuditRow.id)]


@pytest.fixture
def morning(web: Web, reader: Reader, desk: Desk) -> Morning:
    """A batch without any change yet."""
    night = Night(desk)
    night.begin()
    return Morning(web, reader, night, web.client(Role.CLINICIAN, "ada"))


def test_a_change_that_one_reader_has_seen_is_seen_for_all_with_name_and_time(
    each_store: Store, morning: Morning
) -> None:
    morning.changed("one", 1, 2)
    (item,) = morning.page()["items"]
    assert item["seen"] is None
    said = morning.see(item).json()
    assert said["user"]["name"] == "ada"
    other = morning.web.client(Role.TECHNICIAN).get(morning.path).json()
    assert (other["items"][0]["seen"], other["looked"]) == (said, {"changes": 1, "seen": 1, "left": 0})


def test_the_first_to_look_stays_and_alone_takes_it_back(morning: Morning) -> None:
    morning.changed("one", 1, 2)
    (item,) = morning.page()["items"]
    bob = morning.web.client(Role.CLINICIAN, "bob")
    first = morning.see(item).json()
    again = morning.see(item, bob).json()
    assert again == first
    refused = morning.unsee(item, bob)
    assert (refused.status_code, refused.json()["code"]) == (409, "seen_by_another")
    assert [morning.unsee(item).status_code for _ in range(2)] == [204, 204]
    assert morning.page()["items"][0]["seen"] is None
    assert [action for _, action in morning.audited()] == ["batch.change_seen", "batch.change_unseen"]
    assert len({actor for actor, _ in morning.audited()}) == 1


def test_what_nobody_has_looked_at_is_a_list_of_its_own_page_by_page(each_store: Store, morning: Morning) -> None:
    for study, new in (("a", 4), ("b", 3), ("c", 2), ("d", 2)):
        morning.changed(study, 1, new)
    everything = morning.page()["items"]
    morning.see(everything[1])
    first = morning.page(unseen=True, limit=2)
    morning.see(first["items"][0])
    second = morning.page(unseen=True, limit=2, cursor=first["next_cursor"])
    told = [item["id"] for page in (first, second) for item in page["items"]]
    assert told == [everything[at]["id"] for at in (0, 2, 3)]
    assert (first["looked"]["left"], second["looked"]) == (3, {"changes": 4, "seen": 2, "left": 2})


def test_a_signature_settles_a_change_as_a_look_does(morning: Morning) -> None:
    new = morning.changed("one", 1, 2)
    morning.changed("two", 1, 2)
    word = {"action": "sign", "verdict": "accept"}
    signed = morning.client.post(f"/api/v1/results/{new.result_id}/reviews", json=word).json()
    left = morning.page(unseen=True)
    assert [item["study_id"] == new.study_id for item in left["items"]] == [False]
    assert left["looked"] == {"changes": 2, "seen": 0, "left": 1}
    undo = {"action": "undo", "base_review_id": signed["id"]}
    morning.client.post(f"/api/v1/results/{new.result_id}/reviews", json=undo)
    assert morning.page(unseen=True)["looked"]["left"] == 2


def test_a_look_sent_again_under_its_name_says_the_same_and_leaves_one_row(morning: Morning) -> None:
    morning.changed("one", 1, 2)
    (item,) = morning.page()["items"]
    first, second = (morning.see(item, key="look-1") for _ in range(2))
    assert (second.json(), second.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert [action for _, action in morning.audited()] == ["batch.change_seen"]


def test_a_look_at_an_answer_that_was_read_again_marks_nothing(each_store: Store, morning: Morning) -> None:
    morning.changed("one", 1, 2)
    (item,) = morning.page()["items"]
    morning.see(item)
    job_id = morning.reader.desk.queue(study="one")  # more images came: the scheduler asks anew
    with unit_of_work(morning.web.store.database) as session:
        row = session.get_one(BatchItem, item["id"])
        row.state, row.job_id = BatchItemState.QUEUED, job_id
    morning.reader.answer_next(grade(4))
    (later,) = morning.page()["items"]
    assert (later["new"]["findings"][0]["value"], later["seen"]) == (4, None)
    refused = morning.see(item)
    assert (refused.status_code, refused.json()["code"]) == (409, "read_again")
    assert morning.page()["looked"]["seen"] == 0


def test_an_answer_found_once_more_keeps_the_look(morning: Morning) -> None:
    new = morning.changed("one", 1, 2)
    (item,) = morning.page()["items"]
    morning.see(item)
    with unit_of_work(morning.web.store.database) as session:
        session.get_one(BatchItem, item["id"]).state = BatchItemState.QUEUED
        session.flush()
        changes.settle(session, new.job_id, new.result_id)
    assert morning.page()["looked"]["seen"] == 1


def test_only_readers_look_and_only_at_what_they_may_see(morning: Morning) -> None:
    morning.changed("one", 1, 2)
    (item,) = morning.page()["items"]
    assert morning.see(item, morning.web.client(Role.TECHNICIAN)).status_code == 403
    assert morning.see(item, blind_client(morning.web)).json()["code"] == "withheld_until_read"
    nowhere = {**item, "id": "01JD8Q3Z5V7Y9XK2M4N6P8R0ST"}
    assert [morning.see(nowhere).status_code, morning.unsee(nowhere).status_code] == [404, 404]
    assert morning.audited() == []


def test_a_change_that_a_second_reader_reads_blind_is_not_there_for_them(morning: Morning) -> None:
    ruler = morning.web.client(Role.ADMIN, "ruler")
    ruler.post("/api/v1/reading-rules", json={"name": "all twice", "share": 1.0})
    new = morning.changed("one", 1, 2)
    (item,) = morning.page()["items"]
    word = {"action": "sign", "verdict": "accept"}
    assert morning.client.post(f"/api/v1/results/{new.result_id}/reviews", json=word).status_code == 201
    second = morning.web.client(Role.CLINICIAN, "bob")
    told = second.get(morning.path).json()
    assert (told["items"], told["looked"]["changes"]) == ([], 0)
    assert [morning.see(item, second).status_code, morning.unsee(item, second).status_code] == [404, 404]
    assert morning.page()["looked"]["changes"] == 1


def test_every_look_is_told_to_who_watches(morning: Morning) -> None:
    morning.changed("one", 1, 2)
    (item,) = morning.page()["items"]

    def told() -> int:
        with unit_of_work(morning.web.store.database, writing=False) as session:
            return session.query(OutboxEvent).filter_by(topic="batch").count()

    counts = [told()]
    for act in (morning.see, morning.see, morning.unsee, morning.unsee):
        act(item)
        counts.append(told())
    assert [after - before for before, after in pairwise(counts)] == [1, 0, 1, 0]
