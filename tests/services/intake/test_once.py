"""Idempotency-Key on an upload: the same request acts once, another one under the same key is refused."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select, update

from pipelines.core.errors import StillRunning
from services.intake.once import Once
from services.store import idempotency
from services.store.clock import seconds_from_now
from services.store.idempotency import RUNNING_SECONDS, OneTime
from services.store.session import unit_of_work
from services.store.tables import AuditRow, IdempotencyKey
from tests.services.intake.conftest import Sender, dicom, picture, statuses

PATIENCE_SECONDS = 60.0
KEY = {"Idempotency-Key": "upload-1"}


def audited(sender: Sender) -> int:
    with unit_of_work(sender.store.database, writing=False) as session:
        return session.query(AuditRow).filter_by(action="instances.received").count()


def test_the_same_request_is_answered_as_before_and_does_nothing(sender: Sender) -> None:
    files = [("a", dicom()), ("b_OD.png", picture())]
    first = sender.send(*files, headers=KEY, patient_id="P-7")
    before = audited(sender)
    again = sender.send(*files, headers=KEY, patient_id="P-7")
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert statuses(again) == ["stored", "stored"]
    assert audited(sender) == before


def test_another_request_under_the_same_key_is_refused(sender: Sender) -> None:
    content = dicom()
    sender.send(("a", content), headers=KEY)
    for answer in (
        sender.send(("a", dicom()), headers=KEY),
        sender.send(("other name", content), headers=KEY),
        sender.send(("a", content), headers=KEY, priority="stat"),
        sender.send(("a", content), headers=KEY, fields={"priority": "stat"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert len(sender.instances()) == 1


def test_a_request_whose_twin_is_running_is_409(sender: Sender) -> None:
    content = dicom()
    sender.send(("a", content), headers=KEY)
    with unit_of_work(sender.store.database) as session:
        row = session.query(idempotency.IdempotencyKey).one()
        running = OneTime(row.credential, row.route, "upload-2")
        idempotency.begin(session, running, "unread")
    answer = sender.send(("a", content), headers={"Idempotency-Key": "upload-2"})
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_running")


def test_a_request_that_came_to_nothing_may_be_sent_again_under_its_key(sender: Sender) -> None:
    assert sender.send(("a", b"junk"), headers=KEY).status_code == 422
    assert sender.post(b"junk", "text/plain").status_code == 415
    assert statuses(sender.send(("a", dicom()), headers=KEY)) == ["stored"]


def test_keys_of_different_senders_do_not_meet(sender: Sender) -> None:
    content = dicom()
    sender.send(("a", content), headers=KEY)
    sender.client.headers["authorization"] = f"Bearer {sender.another_key()}"
    assert statuses(sender.send(("a", content), headers=KEY)) == ["duplicate"]


def test_a_study_is_completed_once_under_one_key(sender: Sender) -> None:
    (study,) = sender.send(("a", dicom())).json()["studies"]
    path = f"/api/v1/studies/{study['id']}/complete"
    first = sender.client.post(path, headers=KEY)
    again = sender.client.post(path, headers=KEY)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")


def test_completing_another_study_is_another_request(sender: Sender) -> None:
    for _ in range(2):
        (study,) = sender.send(("a", dicom())).json()["studies"]
        answer = sender.client.post(f"/api/v1/studies/{study['id']}/complete", headers=KEY)
        assert (answer.status_code, answer.json()["state"]) == (200, "complete")


def wait_for_a_sign(sender: Sender) -> None:
    """Until the one request that is known has said that it still runs."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with unit_of_work(sender.store.database, writing=False) as session:
            if session.scalar(select(IdempotencyKey.created_at > seconds_from_now(-RUNNING_SECONDS))):
                return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_body_that_is_long_on_its_way_keeps_its_key(sender: Sender) -> None:
    claim = Once(sender.store, "key:1", "long", sign_seconds=0.01)
    assert not claim.was_answered()
    with unit_of_work(sender.store.database) as session:
        session.execute(update(IdempotencyKey).values(created_at=seconds_from_now(-RUNNING_SECONDS - 1)))
    wait_for_a_sign(sender)
    with pytest.raises(StillRunning):
        Once(sender.store, "key:1", "long").was_answered()
    claim.forget()
