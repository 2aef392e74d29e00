"""Operations: one look at everything, workers, failures by reason, deliveries, for those who run the system."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from pipelines.core.errors import BadInput
from services.store import attempts, workers
from services.store.alarms import AlarmCode, raise_alarm
from services.store.session import unit_of_work
from services.store.states import DeliveryState, JobState, Role
from services.store.tables import AuditRow, Delivery
from services.store.workers import Arrival
from tests.services.api.conftest import Reader, Web
from tests.services.conftest import Desk


def fail_next(desk: Desk) -> str:
    """The next job fails."""
    desk.queue()
    claim = desk.claim()
    assert claim is not None
    with unit_of_work(desk.store.database) as session:
        attempts.fail(session, claim, BadInput("the pixels do not decode", code="corrupt_pixels"))
    return claim.job_id


def dead_delivery(web: Web, result_id: str) -> str:
    """A delivery that was given up."""
    with unit_of_work(web.store.database) as session:
        row = Delivery(result_id=result_id, destination="archive", state=DeliveryState.DEAD, attempts=5, error="away")
        session.add(row)
        session.flush()
        return row.id


def test_one_look_tells_of_queues_workers_room_alarms_and_failures(web: Web, desk: Desk) -> None:
    fail_next(desk)
    desk.queue()
    with unit_of_work(web.store.database) as session:
        workers.arrive(session, Arrival("w1", "host", 1, ["retinopathy"], "host/cpu", "0.1.0"))
        raise_alarm(session, AlarmCode.BLOBS_MISSING, "1 file is missing")
    seen = web.client(Role.ADMIN).get("/api/v1/operations/overview").json()
    (queue,) = [one for one in seen["queues"] if one["name"] == "retinopathy"]
    assert (queue["queued"], seen["waiting_since"]) == (1, queue["waiting_since"])
    assert [(one["name"], one["presence"], one["jobs"]) for one in seen["workers"]] == [("w1", "here", 0)]
    assert [one["code"] for one in seen["alarms"]] == ["blobs_missing"]
    assert (seen["failed"], seen["quarantined"], seen["dead_deliveries"]) == (1, 0, 0)
    (disk,) = seen["places"]
    assert disk["total_bytes"] > disk["left_bytes"] > 0


def test_workers_show_what_they_hold(web: Web, desk: Desk) -> None:
    with unit_of_work(web.store.database) as session:
        workers.arrive(session, Arrival("w1", "host", 1, ["retinopathy"], "", "0.1.0"))
    job_id = desk.queue()
    desk.claim("w1")
    (worker,) = web.client(Role.TECHNICIAN).get("/api/v1/workers").json()["items"]
    assert (worker["job_id"], worker["pipeline"], worker["device"]) == (job_id, "retinopathy", None)


def test_all_that_failed_for_one_reason_runs_again_and_the_audit_names_each(web: Web, desk: Desk) -> None:
    failed = [fail_next(desk) for _ in range(3)]
    client = web.client(Role.ADMIN)
    (group,) = client.get("/api/v1/operations/failures").json()["items"]
    assert (group["state"], group["error_code"], group["jobs"]) == ("failed", "corrupt_pixels", 3)
    assert group["examples"][0]["error_detail"] == "the pixels do not decode"
    asked = {"pipeline": group["pipeline"], "error_code": group["error_code"], "limit": 2}
    assert client.post("/api/v1/jobs/retry", json=asked).json() == {"retried": 2, "left": 1}
    assert [desk.job(job_id).state for job_id in failed] == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]
    with unit_of_work(web.store.database, writing=False) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "job.retried"))
        assert [row.subjects["job"] for row in rows] == failed[:2]


def test_quarantined_jobs_run_again_only_where_they_are_asked_for_by_that_word(web: Web, desk: Desk) -> None:
    job_id = fail_next(desk)
    desk.change(job_id, state=JobState.QUARANTINED)
    client = web.client(Role.ADMIN)
    asked = {"pipeline": "retinopathy", "error_code": "corrupt_pixels"}
    assert client.post("/api/v1/jobs/retry", json=asked).json() == {"retried": 0, "left": 0}
    assert client.post("/api/v1/jobs/retry", json={**asked, "state": "quarantined"}).json()["retried"] == 1
    assert client.post("/api/v1/jobs/retry", json={**asked, "state": "succeeded"}).status_code == 422


def test_a_delivery_that_was_given_up_is_sent_again_once(web: Web, reader: Reader) -> None:
    read = reader.read()
    delivery_id = dead_delivery(web, read.result_id)
    client = web.client(Role.ADMIN)
    (dead,) = client.get("/api/v1/deliveries", params={"state": "dead"}).json()["items"]
    assert (dead["id"], dead["study_id"], dead["error"]) == (delivery_id, read.study_id, "away")
    again = client.post(f"/api/v1/deliveries/{delivery_id}/retry")
    assert (again.json()["state"], again.json()["attempts"]) == ("waiting", 0)
    assert client.post(f"/api/v1/deliveries/{delivery_id}/retry").json()["code"] == "illegal_state"
    with unit_of_work(web.store.database, writing=False) as session:
        (row,) = session.scalars(select(AuditRow).where(AuditRow.action == "delivery.retried"))
        assert row.study_id == read.study_id


@pytest.mark.parametrize("path", ["operations/overview", "operations/failures", "deliveries", "audit/chain"])
def test_only_an_administrator_looks_at_operations(web: Web, path: str) -> None:
    assert web.client(Role.CLINICIAN).get(f"/api/v1/{path}").status_code == 403


def test_only_an_administrator_has_many_jobs_run_again(web: Web) -> None:
    asked = {"pipeline": "retinopathy", "error_code": "corrupt_pixels"}
    assert web.client(Role.CLINICIAN).post("/api/v1/jobs/retry", json=asked).status_code == 403
